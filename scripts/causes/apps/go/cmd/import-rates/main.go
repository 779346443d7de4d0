// Import-rates reads a table of exchange rates and writes it again, sorted.
package main

import (
	"encoding/csv"
	"log"
	"os"
	"sort"
)

func main() {
	rows, err := csv.NewReader(os.Stdin).ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	sort.Slice(rows, func(a, b int) bool { return rows[a][0] < rows[b][0] })
	if err := csv.NewWriter(os.Stdout).WriteAll(rows); err != nil {
		log.Fatal(err)
	}
}
