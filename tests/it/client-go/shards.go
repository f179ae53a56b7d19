package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

var halves = []string{
	"shardRange(object.metadata.uid, '0x0000000000000000', '0x8000000000000000')",
	"shardRange(object.metadata.uid, '0x8000000000000000', '0x10000000000000000')",
}

// Two halves of a resource are all of it, in lists and in watches.
func shards(config *rest.Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	maps := client.CoreV1().ConfigMaps("default")
	start, err := maps.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	half := map[string]int{}
	for i := 0; i < 2*objects; i++ {
		name := fmt.Sprintf("shard-%d", i)
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"test": "shards"}}}
		if _, err := maps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for i, selector := range halves {
		list, err := maps.List(ctx, metav1.ListOptions{ShardSelector: selector, LabelSelector: "test=shards"})
		if err != nil {
			return err
		}
		if list.ShardInfo == nil || list.ShardInfo.Selector != selector {
			return fmt.Errorf("the list says of itself %v", list.ShardInfo)
		}
		for _, item := range list.Items {
			if _, twice := half[item.Name]; twice {
				return fmt.Errorf("%s is in both halves", item.Name)
			}
			half[item.Name] = i
		}
		if n := len(list.Items); n < objects/2 || n > 3*objects/2 {
			return fmt.Errorf("a half of %d", n)
		}
	}
	if len(half) != 2*objects {
		return fmt.Errorf("%d of %d", len(half), 2*objects)
	}
	options := metav1.ListOptions{ResourceVersion: start.ResourceVersion, ShardSelector: halves[1], LabelSelector: "test=shards"}
	watch, err := maps.Watch(ctx, options)
	if err != nil {
		return err
	}
	defer watch.Stop()
	for name, i := range half {
		if i != 1 {
			delete(half, name)
		}
	}
	for len(half) > 0 {
		event, open := <-watch.ResultChan()
		if !open {
			return fmt.Errorf("the watch ended before %v", half)
		}
		name := event.Object.(*corev1.ConfigMap).Name
		if _, wanted := half[name]; !wanted {
			return fmt.Errorf("%s is not of this half, or came twice", name)
		}
		delete(half, name)
	}
	if _, err := maps.List(ctx, metav1.ListOptions{ShardSelector: "size(object)"}); err == nil {
		return fmt.Errorf("a bad selector was accepted")
	}
	return nil
}
