#!/bin/sh
# Prints what a crate's binary is made of as CycloneDX 1.6: sbom.sh CRATE TARGET.
# The crates that are linked into it (cargo tree), with their checksums (Cargo.lock).
set -eu
cd "$(dirname "$0")/../.."
cargo tree --locked --package "$1" --target "$2" --edges normal --prefix none \
    --format '{p}|{l}' | sed 's/ (\*)$//' | grep -v '(proc-macro)' | sort -u |
    awk -F '|' -v crate="$1" '
    # Cargo.lock: checksums by name and version.
    FILENAME == "Cargo.lock" {
        if (/^name = /) { name = value($0) }
        if (/^version = /) { version = value($0) }
        if (/^checksum = /) { sum[name " " version] = value($0) }
        next
    }
    {
        split($1, p, " ")
        version = substr(p[2], 2)
        gsub("/", " OR ", $2)
        purl = "pkg:cargo/" p[1] "@" version
        fields = sprintf("\"bom-ref\": \"%s\", \"name\": \"%s\", \"version\": \"%s\", \"purl\": \"%s\"", \
            purl, p[1], version, purl)
        if ($2 != "") { fields = fields sprintf(", \"licenses\": [{\"expression\": \"%s\"}]", $2) }
        hash = sum[p[1] " " version]
        if (hash != "") { fields = fields sprintf(", \"hashes\": [{\"alg\": \"SHA-256\", \"content\": \"%s\"}]", hash) }
        if (p[1] == crate) { made = "{\"type\": \"application\", " fields "}" }
        else { parts = parts sep "\n    {\"type\": \"library\", " fields "}"; sep = "," }
    }
    function value(line) { sub(/^[a-z]+ = "/, "", line); sub(/"$/, "", line); return line }
    END {
        print "{\n  \"bomFormat\": \"CycloneDX\",\n  \"specVersion\": \"1.6\",\n  \"version\": 1,"
        print "  \"metadata\": {\"component\": " made "},"
        print "  \"components\": [" parts "\n  ]\n}"
    }' Cargo.lock -
