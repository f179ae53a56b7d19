package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

var (
	secrets     = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	things      = schema.GroupVersionResource{Group: "cbor.example.com", Version: "v1", Resource: "things"}
)

// Remembers the types of bodies and answers.
type recorder struct {
	sync.Mutex
	http.RoundTripper
	seen []string
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := r.RoundTripper.RoundTrip(request)
	if err == nil {
		r.Lock()
		defer r.Unlock()
		line := request.Method + " " + request.Header.Get("Content-Type") + " > " + answer.Header.Get("Content-Type")
		r.seen = append(r.seen, line)
	}
	return answer, err
}

// Everything that the dynamic and the typed client do, in CBOR.
func inCBOR(config *rest.Config) error {
	for _, feature := range []string{"ClientsAllowCBOR", "ClientsPreferCBOR"} {
		if err := os.Setenv("KUBE_FEATURE_"+feature, "true"); err != nil {
			return err
		}
	}
	types := &recorder{}
	config.Wrap(func(inner http.RoundTripper) http.RoundTripper {
		types.RoundTripper = inner
		return types
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := writes(ctx, client.Resource(secrets).Namespace("default")); err != nil {
		return err
	}
	if err := typed(ctx, config); err != nil {
		return err
	}
	if err := custom(ctx, client); err != nil {
		return err
	}
	all := strings.Join(types.seen, "\n")
	for _, wanted := range []string{
		"POST application/cbor > application/cbor",
		"PUT application/cbor > application/cbor",
		"PATCH application/apply-patch+cbor > application/cbor",
		"GET  > application/cbor",
		"GET  > application/cbor-seq",
	} {
		if !strings.Contains(all, wanted+"\n") {
			return fmt.Errorf("no %q in\n%s", wanted, all)
		}
	}
	return nil
}

func secret(value string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]interface{}{
		"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]interface{}{"name": "cbor", "labels": map[string]interface{}{"cbor": "yes"}},
		"data":     map[string]interface{}{"bytes": value},
	}}
}

func writes(ctx context.Context, client dynamic.ResourceInterface) error {
	made, err := client.Create(ctx, secret("AAEC/w=="), metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	watch, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: made.GetResourceVersion(), LabelSelector: "cbor=yes"})
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	defer watch.Stop()
	_ = unstructured.SetNestedField(made.Object, "AQ==", "data", "bytes")
	if _, err := client.Update(ctx, made, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	applied := secret("AAEC/w==")
	if _, err := client.Apply(ctx, "cbor", applied, metav1.ApplyOptions{FieldManager: "go", Force: true}); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	for _, wanted := range []string{"AQ==", "AAEC/w=="} {
		event, open := <-watch.ResultChan()
		if !open {
			return fmt.Errorf("the watch ended")
		}
		object, ok := event.Object.(*unstructured.Unstructured)
		if !ok {
			return fmt.Errorf("%v", event)
		}
		if got, _, _ := unstructured.NestedString(object.Object, "data", "bytes"); got != wanted {
			return fmt.Errorf("%s has %q instead of %q", event.Type, got, wanted)
		}
	}
	list, err := client.List(ctx, metav1.ListOptions{LabelSelector: "cbor=yes"})
	if err != nil || len(list.Items) != 1 {
		return fmt.Errorf("list: %v %v", list, err)
	}
	_, err = client.Get(ctx, "none", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) || err.Error() != `secrets "none" not found` {
		return fmt.Errorf("a failure reads %v", err)
	}
	return nil
}

// The bytes of a secret are bytes for a typed client.
func typed(ctx context.Context, config *rest.Config) error {
	own := rest.CopyConfig(config)
	own.ContentType = "application/cbor"
	client, err := kubernetes.NewForConfig(own)
	if err != nil {
		return err
	}
	got, err := client.CoreV1().Secrets("default").Get(ctx, "cbor", metav1.GetOptions{})
	if err != nil || !bytes.Equal(got.Data["bytes"], []byte{0, 1, 2, 255}) {
		return fmt.Errorf("typed: %v %w", got, err)
	}
	got.Data["bytes"] = []byte{7, 8}
	if got, err = client.CoreV1().Secrets("default").Update(ctx, got, metav1.UpdateOptions{}); err != nil || !bytes.Equal(got.Data["bytes"], []byte{7, 8}) {
		return fmt.Errorf("typed update: %v %w", got, err)
	}
	return nil
}

func custom(ctx context.Context, client dynamic.Interface) error {
	definition := &unstructured.Unstructured{Object: map[string]interface{}{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]interface{}{"name": "things.cbor.example.com"},
		"spec": map[string]interface{}{
			"group": "cbor.example.com", "scope": "Namespaced",
			"names": map[string]interface{}{"plural": "things", "kind": "Thing"},
			"versions": []interface{}{map[string]interface{}{
				"name": "v1", "served": true, "storage": true,
				"schema": map[string]interface{}{"openAPIV3Schema": map[string]interface{}{
					"type": "object", "x-kubernetes-preserve-unknown-fields": true,
				}},
			}},
		},
	}}
	if _, err := client.Resource(definitions).Create(ctx, definition, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("definition: %w", err)
	}
	thing := &unstructured.Unstructured{Object: map[string]interface{}{
		"apiVersion": "cbor.example.com/v1", "kind": "Thing",
		"metadata": map[string]interface{}{"name": "t"},
		"spec":     map[string]interface{}{"n": int64(-5), "f": 1.5, "l": []interface{}{true, nil, "x"}},
	}}
	for {
		made, err := client.Resource(things).Namespace("default").Create(ctx, thing, metav1.CreateOptions{})
		if err == nil {
			n, _, _ := unstructured.NestedInt64(made.Object, "spec", "n")
			f, _, _ := unstructured.NestedFloat64(made.Object, "spec", "f")
			if n != -5 || f != 1.5 {
				return fmt.Errorf("a thing became %v", made.Object)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
