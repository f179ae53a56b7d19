package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	large      = 60
	largeBytes = 200 << 10
)

// A watch that nobody reads while megabytes are written: others hear of
// everything at once, and who reads at last goes on where it was.
func slow(config *rest.Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	maps := client.CoreV1().ConfigMaps("default")
	list, err := maps.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	open := func(version string) (watch.Interface, error) {
		return maps.Watch(ctx, metav1.ListOptions{ResourceVersion: version, LabelSelector: "test=slow"})
	}
	lazy, err := open(list.ResourceVersion)
	if err != nil {
		return err
	}
	eager, err := open(list.ResourceVersion)
	if err != nil {
		return err
	}
	defer eager.Stop()
	data := map[string]string{"a": strings.Repeat("x", largeBytes)}
	labels := map[string]string{"test": "slow"}
	for i := 0; i < large; i++ {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("slow-%d", i), Labels: labels}, Data: data}
		if _, err := maps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
		select {
		case event, ok := <-eager.ResultChan():
			if !ok || event.Object.(*corev1.ConfigMap).Name != object.Name {
				return fmt.Errorf("the reader heard %v after slow-%d", event.Type, i)
			}
		case <-ctx.Done():
			return fmt.Errorf("the reader waits for slow-%d", i)
		}
	}
	return catchUp(ctx, lazy, open)
}

// Reads all of the objects, in order, each once; a watch that ended is resumed.
func catchUp(ctx context.Context, lazy watch.Interface, open func(string) (watch.Interface, error)) error {
	last, next, watches := int64(0), 0, 1
	for next < large {
		event, ok := <-lazy.ResultChan()
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for slow-%d", next)
		}
		if !ok {
			var err error
			if lazy, err = open(strconv.FormatInt(last, 10)); err != nil {
				return err
			}
			watches++
			continue
		}
		object, isMap := event.Object.(*corev1.ConfigMap)
		if !isMap {
			return fmt.Errorf("%v", event.Object)
		}
		version, err := strconv.ParseInt(object.ResourceVersion, 10, 64)
		if err != nil || version <= last || object.Name != fmt.Sprintf("slow-%d", next) {
			return fmt.Errorf("%s at %s instead of slow-%d after %d", object.Name, object.ResourceVersion, next, last)
		}
		last, next = version, next+1
	}
	lazy.Stop()
	fmt.Println(watches, "watches")
	return nil
}
