// Quotes prints one line of a file for each day of the year.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"os"
	"time"
)

func main() {
	path := flag.String("from", "quotes.txt", "file with a quote on each line")
	flag.Parse()
	file, err := os.Open(*path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	var lines []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	if len(lines) > 0 {
		fmt.Println(lines[time.Now().YearDay()%len(lines)])
	}
}
