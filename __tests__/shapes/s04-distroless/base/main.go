// Rates prints the newest table of exchange rates.
package main

import (
	"fmt"
	"log"
	"os"
	"sort"
)

func main() {
	entries, err := os.ReadDir("/tables")
	if err != nil {
		log.Fatal(err)
	}
	sort.Slice(entries, func(a, b int) bool { return entries[a].Name() > entries[b].Name() })
	content, err := os.ReadFile("/tables/" + entries[0].Name())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(content))
}
