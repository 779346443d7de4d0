package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

const maxAddressBytes = 2048

var validName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

type store struct {
	mutex sync.RWMutex
	links map[string]string
}

func newStore() *store { return &store{links: map[string]string{}} }

func (s *store) get(name string) (string, bool) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	address, ok := s.links[name]
	return address, ok
}

func (s *store) put(name, address string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.links[name] = address
}

func (s *store) all() map[string]string {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	links := make(map[string]string, len(s.links))
	for name, address := range s.links {
		links[name] = address
	}
	return links
}

func newHandler(links *store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		switch {
		case name == "" && r.Method == http.MethodGet:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(links.all())
		case !validName.MatchString(name):
			http.Error(w, "a name has 1 to 40 of a-z, 0-9 and -", http.StatusBadRequest)
		case r.Method == http.MethodGet:
			address, ok := links.get(name)
			if !ok {
				http.NotFound(w, r)
				return
			}
			http.Redirect(w, r, address, http.StatusFound)
		case r.Method == http.MethodPut:
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAddressBytes))
			if err != nil {
				http.Error(w, "the address is too long", http.StatusRequestEntityTooLarge)
				return
			}
			address, err := url.Parse(strings.TrimSpace(string(body)))
			if err != nil || address.Host == "" || (address.Scheme != "http" && address.Scheme != "https") {
				http.Error(w, "the body is no http address", http.StatusBadRequest)
				return
			}
			links.put(name, address.String())
			w.WriteHeader(http.StatusCreated)
		default:
			http.Error(w, "GET or PUT", http.StatusMethodNotAllowed)
		}
	})
}
