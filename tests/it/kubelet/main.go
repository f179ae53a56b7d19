// A kubelet without containers: the streaming code of the real one, with
// processes of this host in the place of containers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/creack/pty"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	streams "k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const limit = time.Minute

type runtime struct{}

func (runtime) ExecInContainer(ctx context.Context, _ string, _ string, _ string, cmd []string, in io.Reader, out, errs io.WriteCloser, tty bool, sizes <-chan streams.TerminalSize, _ time.Duration) error {
	command := exec.CommandContext(ctx, cmd[0], cmd[1:]...)
	if tty {
		return exited(terminal(command, in, out, sizes))
	}
	if in != nil {
		stdin, err := command.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(stdin, in)
			_ = stdin.Close()
		}()
	}
	if out != nil {
		command.Stdout = out
	}
	if errs != nil {
		command.Stderr = errs
	}
	return exited(command.Run())
}

// A command on a terminal, which has the sizes that the client tells.
func terminal(command *exec.Cmd, in io.Reader, out io.Writer, sizes <-chan streams.TerminalSize) error {
	master, err := pty.Start(command)
	if err != nil {
		return err
	}
	defer master.Close()
	go func() {
		for size := range sizes {
			_ = pty.Setsize(master, &pty.Winsize{Rows: size.Height, Cols: size.Width})
		}
	}()
	if in != nil {
		go func() { _, _ = io.Copy(master, in) }()
	}
	// Reading ends with an error when the command is gone.
	_, _ = io.Copy(out, master)
	return command.Wait()
}

func exited(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}

func (runtime) AttachContainer(_ context.Context, _ string, _ string, _ string, _ io.Reader, out, _ io.WriteCloser, _ bool, _ <-chan streams.TerminalSize) error {
	_, err := fmt.Fprintln(out, "attached")
	return err
}

func (runtime) PortForward(_ context.Context, _ string, _ string, port int32, stream io.ReadWriteCloser) error {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer conn.Close()
	go func() { _, _ = io.Copy(conn, stream) }()
	_, err = io.Copy(stream, conn)
	return err
}

func logs(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	fmt.Fprintf(w, "one of %s\n", strings.TrimPrefix(r.URL.Path, "/containerLogs/"))
	if query.Get("tailLines") != "1" {
		fmt.Fprintln(w, "two")
	}
	if query.Get("follow") == "true" {
		w.(http.Flusher).Flush()
		time.Sleep(300 * time.Millisecond)
		fmt.Fprintln(w, "three")
	}
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/containerLogs/", logs)
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "ok for %s, %s", r.Header.Get("X-Forwarded-Uri"), r.URL.RawQuery)
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<a href=/x>%s</a> for %s", r.Host, r.Header.Get("X-Forwarded-For"))
	})
	part := func(r *http.Request, n int) string { return strings.Split(r.URL.Path, "/")[n] }
	mux.HandleFunc("/exec/", func(w http.ResponseWriter, r *http.Request) {
		options, err := streams.NewOptions(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		streams.ServeExec(w, r, runtime{}, part(r, 3), "", part(r, 4), r.URL.Query()["command"], options, limit, limit, streams.SupportedStreamingProtocols)
	})
	mux.HandleFunc("/attach/", func(w http.ResponseWriter, r *http.Request) {
		options, err := streams.NewOptions(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		streams.ServeAttach(w, r, runtime{}, part(r, 3), "", part(r, 4), options, limit, limit, streams.SupportedStreamingProtocols)
	})
	mux.HandleFunc("/portForward/", func(w http.ResponseWriter, r *http.Request) {
		options, err := portforward.NewV4Options(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		portforward.ServePortForward(w, r, runtime{}, part(r, 3), "", options, limit, limit, portforward.SupportedProtocols)
	})
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := httptest.NewUnstartedServer(mux)
	server.Listener = listener
	server.StartTLS()
	fmt.Println(server.Listener.Addr().(*net.TCPAddr).Port)
	// The end of the input is the end.
	_, _ = io.Copy(io.Discard, os.Stdin)
	server.CloseClientConnections()
}
