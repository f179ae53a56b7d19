// Programs of client-go against a control plane: `client-go PROGRAM KUBECONFIG`.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"
)

const objects = 50

func main() {
	programs := map[string]func(*rest.Config) error{"informer": informer, "informers": informersOfAllKinds, "cbor": inCBOR, "shards": shards, "slow": slow}
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[2])
	if err == nil {
		err = programs[os.Args[1]](config)
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("same")
}

// An informer while processes die: nothing missed, nothing doubled.
func informer(config *rest.Config) error {
	config.QPS, config.Burst = 1000, 1000
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	label := informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = "test=client-go" })
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace("default"), label)
	informer := factory.Core().V1().ConfigMaps().Informer()
	added := map[string]int{}
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o interface{}) { added[string(o.(*corev1.ConfigMap).UID)]++ },
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	fmt.Println("synced")
	for i := 0; i < objects; i++ {
		if err := write(ctx, client, i); err != nil {
			return err
		}
	}
	for {
		why := compare(informer.GetStore())
		if why == "" {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s", why)
		case <-time.After(50 * time.Millisecond):
		}
	}
	for uid, times := range added {
		if times > 1 {
			return fmt.Errorf("%s was added %d times", uid, times)
		}
	}
	return nil
}

// Makes an object, changes it twice and deletes every other one.
func write(ctx context.Context, client kubernetes.Interface, i int) error {
	maps := client.CoreV1().ConfigMaps("default")
	name := fmt.Sprintf("go-%d", i)
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"test": "client-go"}}}
	err := again(ctx, apierrors.IsAlreadyExists, func() error {
		_, err := maps.Create(ctx, object, metav1.CreateOptions{})
		return err
	})
	for change := 1; change <= 2 && err == nil; change++ {
		err = again(ctx, nil, func() error {
			return retry.RetryOnConflict(retry.DefaultRetry, func() error {
				live, err := maps.Get(ctx, name, metav1.GetOptions{})
				if err != nil {
					return err
				}
				live.Data = map[string]string{"change": fmt.Sprint(change)}
				_, err = maps.Update(ctx, live, metav1.UpdateOptions{})
				return err
			})
		})
	}
	if err == nil && i%2 == 0 {
		err = again(ctx, apierrors.IsNotFound, func() error {
			return maps.Delete(ctx, name, metav1.DeleteOptions{})
		})
	}
	return err
}

// Until it succeeds, or an earlier try turns out to have succeeded.
func again(ctx context.Context, done func(error) bool, try func() error) error {
	for {
		err := try()
		if err == nil || (done != nil && done(err)) {
			return nil
		}
		if apierrors.IsNotFound(err) {
			return fmt.Errorf("a 404 that nobody caused: %w", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func compare(store cache.Store) string {
	if n := len(store.List()); n != objects/2 {
		return fmt.Sprintf("%d objects instead of %d", n, objects/2)
	}
	for i := 1; i < objects; i += 2 {
		o, found, _ := store.GetByKey(fmt.Sprintf("default/go-%d", i))
		if !found || o.(*corev1.ConfigMap).Data["change"] != "2" {
			return fmt.Sprintf("go-%d is not what it should be", i)
		}
	}
	return ""
}
