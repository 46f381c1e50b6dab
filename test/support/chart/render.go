// Renders a chart as Helm does: Go's own templates with Helm's library of functions. Takes values as YAML on stdin, writes a JSON object: text by template.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run render.go <chart> <release> <namespace>
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type tree = map[string]interface{}

func main() {
	chart, release, namespace := os.Args[1], os.Args[2], os.Args[3]
	given, err := io.ReadAll(os.Stdin)
	check(err)
	values := read(filepath.Join(chart, "values.yaml"))
	overrides := tree{}
	check(yaml.Unmarshal(given, &overrides))
	data := tree{
		"Values":  merge(values, overrides),
		"Release": tree{"Name": release, "Namespace": namespace, "Service": "Helm"},
		"Chart":   capitalise(read(filepath.Join(chart, "Chart.yaml"))),
	}

	all := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	functions["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		check(err)
		return strings.TrimSuffix(string(text), "\n")
	}
	functions["include"] = func(name string, value interface{}) (string, error) {
		var text bytes.Buffer
		err := all.ExecuteTemplate(&text, name, value)
		return text.String(), err
	}
	all.Funcs(functions)
	files, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	check(err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(err)
		template.Must(all.New(filepath.Base(file)).Parse(string(text)))
	}
	rendered := map[string]string{}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasPrefix(name, "_") {
			continue
		}
		var text bytes.Buffer
		check(all.ExecuteTemplate(&text, name, data))
		rendered[name] = strings.ReplaceAll(text.String(), "<no value>", "")
	}
	answer, err := json.Marshal(rendered)
	check(err)
	fmt.Println(string(answer))
}

func read(path string) tree {
	text, err := os.ReadFile(path)
	check(err)
	content := tree{}
	check(yaml.Unmarshal(text, &content))
	return content
}

func merge(base tree, over tree) tree {
	for key, value := range over {
		inner, isTree := value.(tree)
		old, wasTree := base[key].(tree)
		if isTree && wasTree {
			base[key] = merge(old, inner)
		} else {
			base[key] = value
		}
	}
	return base
}

// Templates say .Chart.AppVersion for appVersion.
func capitalise(fields tree) tree {
	named := tree{}
	for key, value := range fields {
		named[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return named
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
