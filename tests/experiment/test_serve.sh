# test_serve.sh - serve-events: answers, refusals, and that kill -9 at any point loses no acknowledged event.
set -u
B=${BUILD:-build/release}; R=$B/recfuse
T=$(mktemp -d); trap 'kill -9 $(jobs -p) 2>/dev/null; rm -rf "$T"' EXIT
export OMP_WAIT_POLICY=passive
check() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: found '$2', expected '$3'"; fi; }

$R synth -o "$T/s.h5" --users 60 --items 120 --interactions 1500 >/dev/null 2>&1 || echo "not ok synth"
cat > "$T/loop.yaml" <<Y
serve: {refit_every: 40, seed: 3}
dataset: $T/s.h5
base: {name: ials, params: {factors: 8, iterations: 3}}
vectors: {encoder: tfidf, text: [title], dimensions: 8}
rules: [{fatigue: {shown_weight: 0.5}}]
Y
serve() { $R serve-events "$T/loop.yaml" --state "$1" 2>"$T/err"; }

# answers
printf '%s\n' '{"recommend":"u5","k":3}' '{"event":"click","user":"u5","item":"i10","id":"x"}' '{"event":"click","user":"u5","item":"i10","id":"x"}' \
  '{"event":"rate","user":"u5","item":"i11","value":9}' '{"event":"zap"}' nope '{"event":"skip","user":"u5","item":"i900"}' '{"digest":true}' | serve "$T/a" > "$T/answers"; rc=$?
check "refused lines: exit 3" $rc 3
check "a list of three, counted as shown" "$(sed -n 1p "$T/answers" | grep -o '"item":' | wc -l) $(sed -n 1p "$T/answers" | grep -o '"ack":3')" '3 "ack":3'
check "a click" "$(sed -n 2p "$T/answers")" '{"ack":4}'
check "the same id again" "$(sed -n 3p "$T/answers")" '{"ack":4,"duplicate":true}'
check "a rating out of range" "$(sed -n 4p "$T/answers")" '{"error":"line 4: a rate event needs a value from 1 to 5"}'
check "no such event" "$(sed -n 5p "$T/answers" | grep -c 'none of show, click, skip, rate')" 1
check "no JSON" "$(sed -n 6p "$T/answers" | grep -c 'line 6: no JSON object')" 1
check "no such item" "$(sed -n 7p "$T/answers")" '{"error":"line 7: the dataset has no item '"'i900'"' (a publisher'"'"'s id is expected)"}'
check "the journal says where a list begins" "$(grep -c '"first":true' "$T/a/events.jsonl") $(grep -c '"event":"show"' "$T/a/events.jsonl")" "1 3"
printf '%s\n' '{"event":"show","user":"u5","item":"i10","first":1}' '{"event":"click","user":"u5","item":"i10","first":true}' '{"event":"show","user":"u5","item":"i10","first":true}' | serve "$T/first" > "$T/first.out"
check "first is a boolean of a show" "$(grep -c 'first is true or false, of a show event' "$T/first.out") $(tail -1 "$T/first.out")" '2 {"ack":1}'
check "the state after a new start" "$(echo '{"digest":true}' | serve "$T/a")" "$(sed -n 8p "$T/answers")"

# 300 events with ids, in one go and with kills
awk 'BEGIN { srand(7); split("show click skip rate", kind, " ")
    for (e = 1; e <= 300; e++) { k = kind[1 + int(rand() * 4)]
        printf "{\"event\":\"%s\",\"user\":\"u%d\",\"item\":\"i%d\",%s\"id\":\"e%d\"}\n", k, 1 + int(rand() * 60), 1 + int(rand() * 120), k == "rate" ? "\"value\":" 1 + int(rand() * 5) "," : "", e } }' > "$T/events"
# Of a loop in a file, and of a run's pipeline: searched, no factors, rules.
cat > "$T/e.yaml" <<Y
experiment: {name: fed, seeds: [0]}
datasets: [{name: d, file: $T/s.h5, split: {kind: random, test: 0.2, seed: 1}, validation: {kind: random, test: 0.2, seed: 2}}]
fusion:
  label: pipe
  intent: {encoder: tfidf, text: [title, genres]}
  preference: {name: llm_ease, search: {trials: 2, space: {l2: {low: 1, high: 100, log: true}}}}
  strategy: {candidates: 30, rules: [{fatigue: {shown_weight: 0.5}}]}
  controls: none
  feedback: {refit_every: 40, simulate: {rounds: 4, seeds: 2, users: 10, k: 5, refit_every: 2}}
evaluate: {k: [5], metrics: [ndcg]}
Y
$R run "$T/e.yaml" --out "$T/run" --threads 1 > "$T/out" 2>"$T/err"; check "a run plays its feedback loop" "$? $(grep -c '^static ' "$T/out")" "0 1"
kill_test() { # a word for it, and what serve-events is given
    local way=$1 lost=0 acked kept; shift
    (cat "$T/events"; echo '{"digest":true}') | $R serve-events "$@" --state "$T/whole.$way" 2>"$T/err" | tail -n 1 > "$T/expected"
    for round in 1 2 3 4 5 6; do
        mkfifo "$T/in"; : > "$T/acks.$round"
        $R serve-events "$@" --state "$T/killed.$way" < "$T/in" > "$T/acks.$round" 2>"$T/err" &
        server=$!
        # the client sends all again from the start, slowly, until the server is gone
        (while read -r line; do echo "$line"; [ $((RANDOM % 8)) = 0 ] && sleep 0.005; done < "$T/events") > "$T/in" 2>/dev/null &
        client=$!
        for wait in $(seq 400); do [ "$(wc -l < "$T/acks.$round")" -ge $((round * 45)) ] && break; kill -0 $server 2>/dev/null || break; sleep 0.01; done
        kill -9 $server 2>/dev/null; wait $server 2>/dev/null; kill $client 2>/dev/null; wait $client 2>/dev/null; rm -f "$T/in"
        acked=$(grep -c '"ack"' "$T/acks.$round")
        kept=$(grep -c '"id"' "$T/killed.$way/events.jsonl")
        [ "$kept" -ge "$acked" ] || lost=$((lost + 1))
    done
    check "$way: no acknowledged event is lost by kill -9" $lost 0
    check "$way: something was killed under way" "$([ "$(grep -c '"ack"' "$T"/acks.? | sed 's/.*://' | sort -n | head -n 1)" -lt 300 ] && echo yes)" yes
    printf '{"event":"cli' >> "$T/killed.$way/events.jsonl" # a torn line, as a kill within write() leaves it
    check "$way: after all kills the state is that of one run" "$( (cat "$T/events"; echo '{"digest":true}') | $R serve-events "$@" --state "$T/killed.$way" 2>/dev/null | tail -n 1)" "$(cat "$T/expected")"
    check "$way: the same with one thread" "$( (cat "$T/events"; echo '{"digest":true}') | $R serve-events "$@" --state "$T/one.$way" --threads 1 2>/dev/null | tail -n 1)" "$(cat "$T/expected")"
    check "$way: the same list from the state made anew" "$(echo '{"recommend":"u7"}' | $R serve-events "$@" --state "$T/killed.$way" 2>/dev/null)" "$(echo '{"recommend":"u7"}' | $R serve-events "$@" --state "$T/one.$way" 2>/dev/null)"
}
kill_test file "$T/loop.yaml"
kill_test run --run "$T/run"

# a kill by SIGTERM while the last fit of the journal is made again: the journal stays whole, whenever the signal comes
sed 's/factors: 8, iterations: 3/factors: 64, iterations: 60/; s/refit_every: 40/refit_every: 20/' "$T/loop.yaml" > "$T/slow.yaml"
head -n 70 "$T/events" | $R serve-events "$T/slow.yaml" --state "$T/slow" >/dev/null 2>&1
before=$(sha256sum < "$T/slow/events.jsonl") stopped=0
for delay in 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.6; do
    $R serve-events "$T/slow.yaml" --state "$T/slow" < <(sleep 5) >/dev/null 2>"$T/err" & server=$!
    sleep $delay; kill -TERM $server 2>/dev/null; wait $server; [ $? = 75 ] && stopped=$((stopped + 1))
    [ "$(sha256sum < "$T/slow/events.jsonl")" = "$before" ] || break
done
check "SIGTERM at the start leaves the journal as it was" "$([ "$(sha256sum < "$T/slow/events.jsonl")" = "$before" ] && echo same)" same
check "something was stopped" "$([ $stopped -gt 0 ] && echo yes)" yes

# ids are texts or whole numbers
printf '%s\n' '{"event":"click","user":"u1","item":"i1","id":17}' '{"event":"click","user":"u1","item":"i1","id":17}' \
  '{"event":"click","user":"u1","item":"i1","id":[1]}' '{"event":"click","user":1.5,"item":"i1"}' '{"event":"click","item":"i1"}' | serve "$T/ids" > "$T/answers"
check "a number as id" "$(sed -n 2p "$T/answers")" '{"ack":1,"duplicate":true}'
check "a list as id" "$(sed -n 3p "$T/answers")" '{"error":"line 3: id is neither a text nor a whole number"}'
check "a fraction as user" "$(sed -n 4p "$T/answers" | grep -c 'user is neither a text nor a whole number')" 1
check "no user" "$(sed -n 5p "$T/answers" | grep -c 'line 5: user is missing')" 1

# why: what the rules and the bandit changed; the list is the same with and without
printf '%s\n' '{"recommend":"u7","k":5}' '{"event":"skip","user":"u7","item":"i3"}' '{"recommend":"u7","k":5,"explain":true}' '{"recommend":"u7","explain":1}' | serve "$T/why" > "$T/answers"
printf '%s\n' '{"recommend":"u7","k":5}' '{"event":"skip","user":"u7","item":"i3"}' '{"recommend":"u7","k":5,"explain":false}' | serve "$T/plain" > "$T/plain.answers"
check "explain: what changed" "$(sed -n 3p "$T/answers" | grep -c '"changes":\[{"rule":"linucb","item":"i[0-9]*","before":[0-9]*,"after":[0-9]*,"score_before":.*"rule":"fatigue"')" 1
check "explain: the same list" "$(sed -n 3p "$T/answers" | sed 's/,"changes":.*/}/')" "$(sed -n 3p "$T/plain.answers")"
check "explain: yes or no" "$(sed -n 4p "$T/answers")" '{"error":"line 4: explain is neither true nor false"}'

# a line that is too long is refused, and those behind it are taken
(printf '{"event":"click","user":"u1","item":"i1","more":"'; head -c 3000000 /dev/zero | tr '\0' x; printf '"}\n'
 echo '{"event":"click","user":"u1","item":"i1"}'; head -c 1500000 /dev/zero | tr '\0' ' ') | serve "$T/long" > "$T/answers"; rc=$?
check "too long a line" "$rc $(cat "$T/answers")" '3 {"error":"line 1: longer than 1048576 bytes"}
{"ack":1}
{"error":"line 3: longer than 1048576 bytes"}'

# another configuration, a damaged journal, a file that is none
mkdir "$T/none"; printf 'my notes' > "$T/none/events.jsonl"
serve "$T/none" </dev/null >/dev/null; check "a file that is no journal is left alone" "$? $(grep -c 'no journal of serve-events' "$T/err") $(cat "$T/none/events.jsonl")" "3 1 my notes"
mkdir "$T/torn"; printf '{"conf' > "$T/torn/events.jsonl"
serve "$T/torn" </dev/null >/dev/null; check "a torn first line" "$? $(grep -c '6 bytes behind the last whole line' "$T/err")" "0 1"
cp -r "$T/one.file" "$T/last"; sed -i '$s/click\|show\|skip\|rate/zap/' "$T/last/events.jsonl"; before=$(sha256sum < "$T/last/events.jsonl")
serve "$T/last" </dev/null >/dev/null
check "a damaged last line is refused and kept" "$? $(grep -c 'the journal is damaged' "$T/err") $([ "$(sha256sum < "$T/last/events.jsonl")" = "$before" ] && echo same)" "3 1 same"
sed 's/refit_every: 40/refit_every: 41/' "$T/loop.yaml" > "$T/other.yaml"
$R serve-events "$T/other.yaml" --state "$T/whole.file" </dev/null >/dev/null 2>"$T/err"; check "another configuration is refused" "$? $(grep -c 'another configuration' "$T/err")" "3 1"
sed -i '5s/.*/{"event":1}/' "$T/whole.file/events.jsonl"
serve "$T/whole.file" </dev/null >/dev/null; check "a damaged journal is refused with its line" "$? $(grep -c 'events.jsonl:5: the journal is damaged' "$T/err")" "3 1"

# the simulation: files, and the same bytes with 1 and 2 threads
cat > "$T/sim.yaml" <<Y
simulation: {name: tiny, seeds: [0, 1], users: 20, rounds: 4, refit_every: 2}
dataset: $T/s.h5
base: {name: ials, params: {factors: 8, iterations: 3}}
vectors: {encoder: tfidf, text: [title], dimensions: 8}
rules: [{fatigue: {shown_weight: 0.5}}]
Y
$R simulate "$T/sim.yaml" -o "$T/sim1" --threads 1 > "$T/table" 2>"$T/err"; check "simulate" $? 0
$R simulate "$T/sim.yaml" -o "$T/sim2" --threads 2 > /dev/null 2>"$T/err"
check "simulate: the same bytes with 1 and 2 threads" "$(cmp "$T/sim1/rounds.csv" "$T/sim2/rounds.csv" && cmp "$T/sim1/tests.csv" "$T/sim2/tests.csv" && echo same)" same
check "simulate: a row a system, seed and round" "$(wc -l < "$T/sim1/rounds.csv")" $((8 * 2 * 4 + 1))
check "simulate: seven tests over users, seven over seeds" "$(cut -d, -f3,4 "$T/sim1/tests.csv" | sort | uniq -c | tr -s ' \n' ' ')" " 1 over,pairs 7 seeds,2 7 users,40 "
# over two seeds the difference is that over users, and its t is mean / (deviation / sqrt 2) of the seeds' means, from rounds.csv
check "simulate: the test over seeds" "$(awk -F, 'NR == FNR { if (FNR > 1 && $3 == 4) x[$1, $2] = $5; next } $3 == "seeds" { a = x[$1, 0] - x["loop", 0]; b = x[$1, 1] - x["loop", 1]; m = (a + b) / 2; d = a > b ? a - b : b - a
    t = 2 * m / d; if ((m - $5) ^ 2 > 1e-8 || (t - $8) ^ 2 > 1e-4 * t * t + 1e-8) print $1, m, $5, t, $8 }' "$T/sim1/rounds.csv" "$T/sim1/tests.csv")" ""
sed 's/seeds: \[0, 1\]/seeds: [0]/' "$T/sim.yaml" > "$T/one.yaml"; $R simulate "$T/one.yaml" -o "$T/sim3" > "$T/table" 2>"$T/err"
check "simulate: one seed is no test over seeds" "$? $(grep -c 'one seed can.t be tested' "$T/table") $(grep -c ',seeds,' "$T/sim3/tests.csv")" "0 1 0"
check "simulate: a plot" "$([ -s "$T/sim1/plots/regret.svg" ] && echo yes)" yes
sed 's/users: 20/uzers: 20/' "$T/sim.yaml" > "$T/bad.yaml"; $R simulate "$T/bad.yaml" -o "$T/x" >/dev/null 2>"$T/err"
check "simulate: a mistake is placed" "$? $(grep -c "bad.yaml:1:.*uzers" "$T/err")" "2 1"
sed 's/seeds: \[0, 1\]/seeds: [1, 1]/' "$T/sim.yaml" > "$T/bad.yaml"; $R simulate "$T/bad.yaml" -o "$T/x" >/dev/null 2>"$T/err"
check "simulate: a seed twice would count twice in the tests" "$? $(grep -c "bad.yaml:1:.*seed 1 stands twice" "$T/err")" "2 1"

# the simulation of a run: the same bytes with 1 and 2 threads, and after a kill; done once; what it can't do is said
same() { cmp "$T/run/feedback-rounds.csv" "$1/feedback-rounds.csv" && cmp "$T/run/feedback-tests.csv" "$1/feedback-tests.csv" && cmp "$T/run/feedback-systems.csv" "$1/feedback-systems.csv" && echo same; }
check "run: a row a system, seed and round" "$(wc -l < "$T/run/feedback-rounds.csv")" $((7 * 2 * 4 + 1)) # no online_mf: the model has no factors
check "run: the page has table and plot" "$(grep -c 'The feedback loop among' "$T/run/index.html") $(grep -c 'aria-label="regret of fed"' "$T/run/index.html")" "1 1"
$R run "$T/e.yaml" --out "$T/run2" --threads 2 > /dev/null 2>"$T/err"; check "run: the same bytes with 1 and 2 threads" "$(same "$T/run2")" same
rm "$T/run2"/feedback-*.csv; $R run "$T/e.yaml" --out "$T/run2" > /dev/null 2>"$T/err" & id=$!
for wait in $(seq 1000); do [ -n "$(cat "$T"/run2/feedback/*.jsonl 2>/dev/null)" ] && break; sleep 0.005; done
kill -9 $id 2>/dev/null; wait $id 2>/dev/null
$R run "$T/e.yaml" --out "$T/run2" > /dev/null 2>"$T/err"; check "run: killed and gone on with" "$(same "$T/run2")" same
$R run "$T/e.yaml" --out "$T/run2" > "$T/out" 2>"$T/err"; check "run: played once" "$(grep -c 'seed 0: loop' "$T/err")" 0
$R run "$T/e.yaml" --out "$T/x" --set fusion.feedback.online_mf=true > /dev/null 2>"$T/err"; check "run: no factors, no online steps" "$? $(grep -c 'llm_ease has no factors' "$T/err")" "2 1"
$R run "$T/e.yaml" --out "$T/x" --set fusion.feedback.simulate.uzers=3 > /dev/null 2>"$T/err"; check "run: a mistake is placed" "$? $(grep -c "did you mean 'users'" "$T/err")" "2 1"
$R run "$T/e.yaml" --out "$T/run2" --set 'fusion.feedback={profile: 0}' > /dev/null 2>"$T/err"; check "run: without simulate its files go" "$(ls "$T/run2" "$T/run2/plots" | grep -c feedback-) $(grep -c 'regret of fed' "$T/run2/index.html")" "0 0"
echo '{"recommend":"u5"}' | $R serve-events --run "$T/run" --state "$T/whole.file" > /dev/null 2>"$T/err"; check "run: a journal of another loop is refused" "$(grep -c 'another configuration' "$T/err")" 1
sed '/feedback:/d' "$T/e.yaml" > "$T/bare.yaml"; $R run "$T/bare.yaml" --out "$T/bare" > /dev/null 2>&1; $R serve-events --run "$T/bare" --state "$T/x" < /dev/null > /dev/null 2>"$T/err"; check "run: a run without the block" "$? $(grep -c 'no block `feedback`' "$T/err")" "2 1"
