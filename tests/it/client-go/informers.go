package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// How long a slow handler takes for an event.
const pause = 15 * time.Millisecond

// What an informer told of each object.
type history struct {
	sync.Mutex
	name     string
	informer cache.SharedIndexInformer
	slow     bool
	// Versions of the objects that are there, and of those that are gone.
	alive, gone map[string]int64
	wrong       []string
}

func version(object interface{}) (string, int64) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return "", 0
	}
	n, _ := strconv.ParseInt(accessor.GetResourceVersion(), 10, 64)
	return string(accessor.GetUID()), n
}

func (h *history) complain(format string, args ...interface{}) {
	h.wrong = append(h.wrong, h.name+": "+fmt.Sprintf(format, args...))
}

func (h *history) OnAdd(object interface{}, _ bool) {
	h.Lock()
	defer h.Unlock()
	uid, v := version(object)
	if before, twice := h.alive[uid]; twice {
		h.complain("%s was added at %d and at %d", uid, before, v)
	}
	if before, back := h.gone[uid]; back {
		h.complain("%s is back at %d after %d", uid, v, before)
	}
	h.alive[uid] = v
}

func (h *history) OnUpdate(_, object interface{}) {
	if h.slow {
		time.Sleep(pause)
	}
	h.Lock()
	defer h.Unlock()
	uid, v := version(object)
	if before, known := h.alive[uid]; !known || v < before {
		h.complain("%s changed to %d after %d", uid, v, before)
	}
	h.alive[uid] = v
}

func (h *history) OnDelete(object interface{}) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	h.Lock()
	defer h.Unlock()
	uid, v := version(object)
	if before, known := h.alive[uid]; !known || v < before {
		h.complain("%s went at %d after %d", uid, v, before)
	}
	delete(h.alive, uid)
	h.gone[uid] = v
}

// What is not yet as the server has it; "" when everything is.
func (h *history) missing(wanted map[string]int64) string {
	h.Lock()
	defer h.Unlock()
	if len(h.alive) != len(wanted) || len(h.informer.GetStore().List()) != len(wanted) {
		return fmt.Sprintf("%s: %d and %d objects instead of %d", h.name, len(h.alive), len(h.informer.GetStore().List()), len(wanted))
	}
	for uid, v := range wanted {
		if h.alive[uid] != v {
			return fmt.Sprintf("%s: %s at %d instead of %d", h.name, uid, h.alive[uid], v)
		}
	}
	return ""
}

// Informers of all kinds of clients, one of which is slow, while processes die.
func informersOfAllKinds(config *rest.Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	config.QPS, config.Burst = 1000, 1000
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	histories, err := start(ctx, config)
	if err != nil {
		return err
	}
	fmt.Println("synced")
	for i := 0; i < objects; i++ {
		if err := write(ctx, client, i); err != nil {
			return err
		}
	}
	list, err := client.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{LabelSelector: "test=client-go"})
	if err != nil {
		return err
	}
	wanted := map[string]int64{}
	for i := range list.Items {
		uid, v := version(&list.Items[i])
		wanted[uid] = v
	}
	for _, h := range histories {
		for why := h.missing(wanted); why != ""; why = h.missing(wanted) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s", why)
			case <-time.After(50 * time.Millisecond):
			}
		}
		if len(h.wrong) > 0 {
			return fmt.Errorf("%v", h.wrong)
		}
	}
	return nil
}

func start(ctx context.Context, config *rest.Config) ([]*history, error) {
	maps := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	tweak := func(o *metav1.ListOptions) { o.LabelSelector = "test=client-go" }
	binary := rest.CopyConfig(config)
	binary.ContentType = "application/vnd.kubernetes.protobuf"
	var out []*history
	for name, config := range map[string]*rest.Config{"json": config, "protobuf": binary, "slow": config} {
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace("default"), informers.WithTweakListOptions(tweak))
		out = append(out, &history{name: name, informer: factory.Core().V1().ConfigMaps().Informer(), slow: name == "slow"})
	}
	untyped, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	partial, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	of := dynamicinformer.NewFilteredDynamicInformer(untyped, maps, "default", 0, cache.Indexers{}, tweak)
	out = append(out, &history{name: "dynamic", informer: of.Informer()})
	of = metadatainformer.NewFilteredMetadataInformer(partial, maps, "default", 0, cache.Indexers{}, tweak)
	out = append(out, &history{name: "metadata", informer: of.Informer()})
	for _, h := range out {
		h.alive, h.gone = map[string]int64{}, map[string]int64{}
		if _, err := h.informer.AddEventHandler(h); err != nil {
			return nil, err
		}
		go h.informer.Run(ctx.Done())
	}
	for _, h := range out {
		if !cache.WaitForCacheSync(ctx.Done(), h.informer.HasSynced) {
			return nil, fmt.Errorf("%s is not synced", h.name)
		}
	}
	return out, nil
}
