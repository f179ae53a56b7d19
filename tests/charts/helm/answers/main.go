// Command answers fills files of cases with what Helm makes of their templates:
//
//	go run ./answers ../../../services/lib/chart/tests/cases/*.json
//
// A case is a template of a chart "t" and, where it needs them, values over those
// below. "is" is what the template prints, "fails" why it does not; "ours" is left
// as it stands.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/yaml"
)

type Case struct {
	Template string         `json:"template"`
	Values   map[string]any `json:"values,omitempty"`
	Is       *string        `json:"is,omitempty"`
	Fails    *string        `json:"fails,omitempty"`
	// What we answer instead, and why: {"is" or "fails": ..., "because": ...}.
	Ours map[string]string `json:"ours,omitempty"`
}

func main() {
	log.SetFlags(0)
	common, err := os.ReadFile("answers/values.yaml")
	check(err)
	partials, err := os.ReadFile("answers/_partials.tpl")
	check(err)
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		check(err)
		var cases []Case
		check(json.Unmarshal(text, &cases))
		var out bytes.Buffer
		out.WriteString("[\n")
		for i, c := range cases {
			c.Is, c.Fails = nil, nil
			printed, err := render(c, common, partials)
			if err != nil {
				why := err.Error()
				c.Fails = &why
			} else {
				c.Is = &printed
			}
			if i > 0 {
				out.WriteString(",\n")
			}
			encoder := json.NewEncoder(&out)
			encoder.SetEscapeHTML(false)
			check(encoder.Encode(c))
			out.Truncate(out.Len() - 1)
		}
		out.WriteString("\n]\n")
		check(os.WriteFile(name, out.Bytes(), 0o644))
	}
}

func render(c Case, common, partials []byte) (string, error) {
	const file = "templates/case.yaml"
	values := map[string]any{}
	check(yaml.Unmarshal(common, &values))
	chrt := &chart.Chart{
		Metadata: &chart.Metadata{APIVersion: "v2", Name: "t", Version: "1.2.3", AppVersion: "4.5", Type: "application"},
		Templates: []*chart.File{
			{Name: file, Data: []byte(c.Template)},
			{Name: "templates/_partials.tpl", Data: partials},
		},
		Files: []*chart.File{
			{Name: "files/a.txt", Data: []byte("one\ntwo\n")},
			{Name: "files/b.json", Data: []byte("{\"x\": 1}")},
			{Name: "files/sub/c.txt", Data: []byte("three")},
		},
		Values: values,
	}
	if c.Values == nil {
		c.Values = map[string]any{}
	}
	release := chartutil.ReleaseOptions{Name: "rel", Namespace: "ns", Revision: 1, IsInstall: true}
	capabilities := &chartutil.Capabilities{
		KubeVersion: chartutil.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"},
		APIVersions: chartutil.VersionSet{"apps/v1", "v1"},
	}
	all, err := chartutil.ToRenderValues(chrt, c.Values, release, capabilities)
	if err != nil {
		return "", err
	}
	printed, err := engine.Render(chrt, all)
	return printed["t/"+file], err
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
