// Cities finds the lines of its table that have a word.
package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
)

//go:embed cities.csv
var table string

func main() {
	for _, line := range strings.Split(table, "\n") {
		if len(os.Args) > 1 && strings.Contains(line, os.Args[1]) {
			fmt.Println(line)
		}
	}
}
