#!/usr/bin/env bash
# What segmentation makes of Douban's Chinese: texts, Han characters a text, words a text, and how many of the words and of the characters stand in
# words of two characters or more, which the dictionary must have; single characters are words of one or what the dictionary doesn't know.
#   usage: experiments/scenarios/words.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -f datasets/scenarios/douban-films.h5 ] || experiments/scenarios/make-douban.sh >&2
count() { # count NAME arguments of `recfuse text`
    local name=$1
    shift
    build/recfuse text "$@" --show 1000000 --width 100000000 --set chinese=friso --set stop_words=chinese | LC_ALL=C awk -v name="$name" '
        # a Han character is three bytes, the first of them E4 to E9
        $1 == "words" || $1 == "no" && $2 == "stops" {
            kept = $1 == "no"
            sub(kept ? "^ *no stops *" : "^ *words *", "")
            n = $0 == "" ? 0 : split($0, part, " [|] ")
            texts += !kept && n > 0
            for (k = 1; k <= n; k++) {
                if (kept) { left++; continue }
                words++
                if (part[k] !~ /^([\344-\351][\200-\277][\200-\277])+$/) { other++; continue }
                characters += length(part[k]) / 3
                if (length(part[k]) > 3) { long++; inside += length(part[k]) / 3 }
                if (seen[part[k]]++ == 0) { distinct++; once++ } else if (seen[part[k]] == 2) once--
                for (c = 1; c < length(part[k]); c += 3) if (!known[substr(part[k], c, 3)]++) different++
            }
        }
        END { han = words - other
              printf "%-9s %6d %10.1f %9.1f %10.1f%% %10.1f%% %9.1f%% %9d %9d %8.1f%%\n", name, texts, characters / texts, words / texts,
                     100 * long / han, 100 * inside / characters, 100 * (1 - left / words), different, distinct, 100 * once / distinct }'
}
printf '%-9s %6s %10s %9s %11s %11s %10s %9s %9s %9s\n' '' texts 'Han each' 'words' 'long words' 'Han inside' 'stop words' 'diff. Han' 'diff. words' 'of them once'
count comments datasets/douban-antspider-small/douban-antspider-small.h5 --written
count plots datasets/scenarios/douban-films.h5 --fields STORYLINE
count tags datasets/scenarios/douban-films.h5 --fields TAGS
