// Starts a control plane with controller-runtime's envtest, whose kube-apiserver
// is Catena, installs a definition and runs a manager with a reconciler.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() (err error) {
	environment := &envtest.Environment{
		BinaryAssetsDirectory: os.Args[1],
		CRDs:                  []*apiextensionsv1.CustomResourceDefinition{definition()},
	}
	config, err := environment.Start()
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer func() {
		if stop := environment.Stop(); err == nil && stop != nil {
			err = fmt.Errorf("stop: %w", stop)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	manager, err := ctrl.NewManager(config, ctrl.Options{Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		return fmt.Errorf("manager: %w", err)
	}
	seen := make(chan string, 16)
	reconciler := reconcile.Func(func(ctx context.Context, r ctrl.Request) (ctrl.Result, error) {
		var object corev1.ConfigMap
		if err := manager.GetClient().Get(ctx, r.NamespacedName, &object); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
		if object.Labels["seen"] == "true" {
			seen <- object.Name
			return ctrl.Result{}, nil
		}
		object.Labels = map[string]string{"seen": "true"}
		return ctrl.Result{}, manager.GetClient().Update(ctx, &object)
	})
	if err := ctrl.NewControllerManagedBy(manager).For(&corev1.ConfigMap{}).Complete(reconciler); err != nil {
		return fmt.Errorf("controller: %w", err)
	}
	go func() { _ = manager.Start(ctx) }()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}}
	if err := manager.GetClient().Create(ctx, object); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	for {
		select {
		case name := <-seen:
			if name == "a" {
				fmt.Println("reconciled")
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func definition() *apiextensionsv1.CustomResourceDefinition {
	preserve := true
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "widgets.example.com"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "example.com",
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "widgets", Kind: "Widget"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", XPreserveUnknownFields: &preserve,
				}},
			}},
		},
	}
}
