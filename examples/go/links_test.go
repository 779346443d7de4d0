package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func request(handler http.Handler, method, path, body string) *http.Response {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	return recorder.Result()
}

func TestRedirectsToWhatWasPut(t *testing.T) {
	handler := newHandler(newStore())
	if got := request(handler, "PUT", "/docs", "https://example.org/documents").StatusCode; got != http.StatusCreated {
		t.Fatalf("PUT: %d", got)
	}
	got := request(handler, "GET", "/docs", "")
	if got.StatusCode != http.StatusFound || got.Header.Get("Location") != "https://example.org/documents" {
		t.Fatalf("GET: %d %q", got.StatusCode, got.Header.Get("Location"))
	}
}

func TestRefusesWhatIsNoHTTPAddress(t *testing.T) {
	if got := request(newHandler(newStore()), "PUT", "/docs", "javascript:alert(1)").StatusCode; got != http.StatusBadRequest {
		t.Fatalf("PUT: %d", got)
	}
}
