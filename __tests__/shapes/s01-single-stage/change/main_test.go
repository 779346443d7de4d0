package main

import (
	"os"
	"testing"
)

func TestRecordingsAreThere(t *testing.T) {
	if _, err := os.Stat("testdata/recorded.txt"); err != nil {
		t.Fatal(err)
	}
}
