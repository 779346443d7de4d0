// Clock prints the time in a place.
package main

import (
	"fmt"
	"log"
	"os"
	"time"
)

func main() {
	place := "UTC"
	if len(os.Args) > 1 {
		place = os.Args[1]
	}
	location, err := time.LoadLocation(place)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(time.Now().In(location).Format(time.RFC1123))
}
