// Reads manifests as the types of one version of Kubernetes, strictly: an
// unknown kind, an unknown or repeated field and a value of another type are
// errors. The version is that of k8s.io/api in the module file it was built
// with; see tests/deps.sh.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

// Kinds that are not Kubernetes' own.
var foreign = []string{"monitoring.coreos.com/", "cert-manager.io/", "apiextensions.k8s.io/"}

func main() {
	failed := false
	for _, name := range os.Args[1:] {
		checked, err := file(name)
		if err != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			continue
		}
		fmt.Printf("%s: %d objects\n", name, checked)
	}
	if failed {
		os.Exit(1)
	}
}

func file(name string) (checked int, err error) {
	in, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	options := json.SerializerOptions{Yaml: true, Strict: true}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, options)
	reader := yaml.NewYAMLReader(bufio.NewReader(in))
	for {
		document, err := reader.Read()
		if err == io.EOF {
			return checked, nil
		}
		if err != nil {
			return checked, err
		}
		known, err := decode(decoder, document)
		if err != nil {
			return checked, err
		}
		if known {
			checked++
		}
	}
}

func decode(decoder runtime.Decoder, document []byte) (bool, error) {
	as, err := yaml.ToJSON(document)
	if err != nil || string(as) == "null" {
		return false, err
	}
	kind, err := json.DefaultMetaFactory.Interpret(as)
	if err != nil {
		return false, err
	}
	for _, group := range foreign {
		if strings.HasPrefix(kind.Group+"/", group) {
			return false, nil
		}
	}
	if _, _, err := decoder.Decode(document, nil, nil); err != nil {
		return false, fmt.Errorf("%s: %w", kind, err)
	}
	return true, nil
}
