#!/usr/bin/env bash
# The steps of the action, by name. Everything they need is in the environment, so that nothing is pasted into a script.
set -eo pipefail

# Python takes no module from the working folder, which is the checkout, and nothing from the job's environment.
for name in "${!PYTHON@}"; do [ "$name" = PYTHON ] || unset "$name"; done
export PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$RUNNER_TEMP/baseten-jobs
tool=$venv/bin/baseten-jobs
plan=$RUNNER_TEMP/baseten-jobs-plan.md
report=$RUNNER_TEMP/baseten-jobs-report.md

paths=()
options=()
shared=() # the options that every command has
strict=()

read_paths() {
  local words each
  words=$(printf '%s' "${PATHS:-specs}" | xargs -n 1 printf '%s\n')
  while IFS= read -r each; do [ -z "$each" ] || paths+=("$each"); done <<<"$words"
}

read_inputs() {
  local words each
  read_paths
  guard
  words=$(printf '%s' "${CREATE:-}" | xargs -n 1 printf '%s\n')
  while IFS= read -r each; do [ -z "$each" ] || options+=(--create "$each"); done <<<"$words"
  [ -z "${SINCE:-}" ] || options+=(--since "$SINCE")
  words=$(printf '%s' "${ALLOW_OUTSIDE:-}" | xargs -n 1 printf '%s\n')
  while IFS= read -r each; do [ -z "$each" ] || options+=(--allow-outside "$each"); done <<<"$words"
  words=$(printf '%s' "${ARGS:-}" | xargs -n 1 printf '%s\n')
  while IFS= read -r each; do
    case $each in --allow-outside*) # what may leave the machine is granted by an input of its own
      echo "::error title=baseten-jobs::args can't hold --allow-outside; the input allow-outside grants it" && exit 64 ;;
    esac
    [ -z "$each" ] || options+=("$each")
  done <<<"$words"
  [ "$STRICT" != true ] || strict=(--strict)
  share
}

share() {
  local i
  for ((i = 0; i < ${#options[@]}; i++)); do
    case ${options[i]} in
      --set | --allow-outside) shared+=("${options[i]}" "${options[++i]-}") ;;
      --set=* | --strict) shared+=("${options[i]}") ;;
    esac
  done
}

# Runs a command whose output is not to be read as commands to the runner: it quotes manifests.
unheeded() {
  local token status=0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "::stop-commands::$token"
  "$@" || status=$?
  echo "::$token::"
  return "$status"
}

# The commit that is checked out where a path leads, or empty.
commit_at() {
  local folder=$1
  [[ $folder == /* ]] || folder=./$folder
  until [ -d "$folder" ]; do folder=$(dirname -- "$folder"); done
  env -u GIT_DIR -u GIT_WORK_TREE git -C "$folder" -c safe.bareRepository=explicit -c core.fsmonitor=false \
    rev-parse --verify --quiet 'HEAD^{commit}' 2>/dev/null || true
}

# These events hand a stranger's pull request the secrets: only the commit that the run is for is trusted then.
guard() {
  local each commit
  case ${GITHUB_EVENT_NAME:-} in
    pull_request_target | workflow_run | issue_comment | issues | discussion | discussion_comment) ;;
    *) return 0 ;;
  esac
  [ "${ALLOW_UNSAFE_PR_CHECKOUT:-}" != true ] || return 0
  for each in . "${paths[@]}"; do
    commit=$(commit_at "$each")
    [[ $each != . || -n $commit ]] || continue
    if [ -z "$commit" ] || { [ "$commit" != "${GITHUB_SHA:-}" ] && [ "$commit" != "${BASE:-}" ]; }; then
      echo "::error title=baseten-jobs::refused: on $GITHUB_EVENT_NAME a stranger's files would meet the secrets, and" \
        "'$(escaped "$each")' is not checked out at the commit that this run is for; use the event pull_request, or" \
        "set the input allow-unsafe-pr-checkout to \"true\""
      return 1
    fi
  done
}

# A value as the runner reads it in a command.
escaped() {
  local text=${1//'%'/%25}
  text=${text//$'\r'/%0D}
  printf '%s' "${text//$'\n'/%0A}"
}

# Nothing is looked for in the checkout, and nothing but wheels of known contents is taken from the index.
install() {
  local release form='^baseten-jobs(\[[a-z0-9,]+\])?==[0-9][0-9A-Za-z.+!]*( --hash=sha256:[0-9a-f]{64})+$'
  read_paths
  guard
  release=$(printf '%s' "${INSTALL:-}" | xargs)
  if [[ -n $release && ! $release =~ $form ]]; then
    echo "::error title=baseten-jobs::install: '$(escaped "$release")' is not of the form baseten-jobs==VERSION --hash=sha256:HASH"
    return 64
  fi
  cd "$RUNNER_TEMP"
  "$PYTHON" -I -m venv --clear "$venv"
  pip --no-deps --only-binary :all: --require-hashes -r "$here/constraints.txt"
  if [ -n "$release" ]; then
    printf '%s\n' "$release" >"$venv/release.txt"
    pip --only-binary :all: -r "$venv/release.txt"
  else
    pip --no-deps --no-index --no-build-isolation "$here/../../.."
  fi
}

pip() {
  "$venv/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-input "$@"
}

mode() {
  local chosen=plan
  rm -f "$plan" "$report" # of another target in this job
  if [ -z "$BASETEN_API_KEY" ] && [[ $GITHUB_EVENT_NAME == pull_request* ]]; then
    chosen=render
    echo "::notice title=baseten-jobs::no API key, as in a pull request from a fork: validated and rendered, not planned"
  elif [ "$APPLY" = true ] && [ "$GITHUB_REF" = "refs/heads/$DEFAULT_BRANCH" ]; then
    case $GITHUB_EVENT_NAME in
      push | workflow_dispatch) chosen=apply ;;
      schedule) chosen=schedule ;;
    esac
  fi
  echo "mode=$chosen" >>"$GITHUB_OUTPUT"
}

validate() {
  read_inputs
  "$tool" validate -o github "${strict[@]}" "${shared[@]}" -- "${paths[@]}"
}

render() {
  read_inputs
  unheeded "$tool" render "${strict[@]}" "${shared[@]}" -- "${paths[@]}"
}

plan() {
  read_inputs
  unheeded write_plan
}

write_plan() {
  local status=0
  "$tool" plan -o markdown "${strict[@]}" "${options[@]}" -- "${paths[@]}" >"$plan" || status=$?
  cat "$plan"
  return "$status"
}

# The comment is found by the plan's first line, among those that the token's owner wrote.
post() {
  local found
  cd "$RUNNER_TEMP" # the client looks at no checkout
  export MARKER GH_HOST=${GITHUB_SERVER_URL#*://}
  MARKER=$(head -n 1 "$plan")
  found=$(gh api graphql --paginate \
    -f owner="${GITHUB_REPOSITORY%%/*}" -f name="${GITHUB_REPOSITORY#*/}" -F number="$PULL_REQUEST" \
    -f query='query($owner: String!, $name: String!, $number: Int!, $endCursor: String) {
      repository(owner: $owner, name: $name) {
        pullRequest(number: $number) {
          comments(first: 100, after: $endCursor) {
            nodes { id body viewerDidAuthor }
            pageInfo { hasNextPage endCursor }
          }
        }
      }
    }' \
    --jq '.data.repository.pullRequest.comments.nodes[]
      | select(.viewerDidAuthor and (.body | startswith(env.MARKER))) | .id' | head -n 1)
  if [ -n "$found" ]; then
    gh api graphql --silent -f id="$found" -F body=@"$plan" \
      -f query='mutation($id: ID!, $body: String!) {
        updateIssueComment(input: {id: $id, body: $body}) { clientMutationId }
      }'
  elif [ "$HAS_CHANGES" = true ] || { [ "$HAS_CHANGES" = false ] && ! grep -q '^### Nothing to do' "$plan"; }; then
    gh api --silent "repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments" -F body=@"$plan"
  fi
}

comment() {
  if [ ! -s "$plan" ]; then
    echo "there is no plan to post"
  elif ! bash "${BASH_SOURCE[0]}" post; then
    echo "::warning title=baseten-jobs::the plan could not be posted as a comment; it is in the step's summary"
  fi
}

# The token is git's for this one host, in the place of whatever the checkout left there; no command line shows it.
lend_token() {
  local at=${GIT_CONFIG_COUNT:-0} basic
  [ -n "${TOKEN:-}" ] || return 0
  basic=$(printf 'x-access-token:%s' "$TOKEN" | base64 | tr -d '\n')
  export GIT_CONFIG_COUNT=$((at + 2))
  export "GIT_CONFIG_KEY_$at=http.$GITHUB_SERVER_URL/.extraheader" "GIT_CONFIG_VALUE_$at="
  export "GIT_CONFIG_KEY_$((at + 1))=http.$GITHUB_SERVER_URL/.extraheader"
  export "GIT_CONFIG_VALUE_$((at + 1))=AUTHORIZATION: basic $basic"
}

# A pipeline that is run again, or was overtaken, must not submit what is no longer wanted: a newer one does its work.
apply() {
  read_inputs
  lend_token
  unset TOKEN
  unheeded "$tool" apply --yes --if-tip "$DEFAULT_BRANCH" "${strict[@]}" "${options[@]}" -- "${paths[@]}"
  if grep -s -A 1 '^skipped<<' "${GITHUB_OUTPUT:-}" | grep -qx true; then
    echo "::notice title=baseten-jobs::not applied: the default branch has moved on, and its own run applies"
  fi
}

# Alone and first: it goes on where a manifest has errors, or a guard refuses all else.
limits() {
  read_inputs
  lend_token
  unset TOKEN
  unheeded "$tool" apply --yes --limits-only --if-tip "$DEFAULT_BRANCH" "${options[@]}" -- "${paths[@]}"
}

# It fails only where it can't be told how the jobs are: that somebody is needed is said by the issue.
report() {
  local status=0 failed=()
  read_inputs
  lend_token
  unset TOKEN
  [ "$LIMITED" != failure ] || failed+=(--failed "\`apply --limits-only\` failed; the log of the run says why")
  [ "$APPLIED" != failure ] || failed+=(--failed "\`apply\` failed; the log of the run says why")
  unheeded write_report || status=$?
  if [ ! -s "$report" ]; then return "$status"; fi
  cat "$report" >>"$GITHUB_STEP_SUMMARY"
  echo "needed=$([ "$status" = 0 ] && echo false || echo true)" >>"$GITHUB_OUTPUT"
}

write_report() {
  local status=0
  "$tool" report --if-tip "$DEFAULT_BRANCH" "${failed[@]}" "${strict[@]}" "${options[@]}" -- "${paths[@]}" \
    >"$report" || status=$?
  cat "$report"
  return "$status"
}

# The numbers of our issues in a state, oldest first: those that the token's owner wrote, by the report's first line.
issues() {
  local state=$1
  shift
  gh api graphql "$@" \
    -f owner="${GITHUB_REPOSITORY%%/*}" -f name="${GITHUB_REPOSITORY#*/}" -f state="$state" \
    -f query='query($owner: String!, $name: String!, $state: IssueState!, $endCursor: String) {
      repository(owner: $owner, name: $name) {
        issues(first: 100, after: $endCursor, states: [$state], orderBy: {field: UPDATED_AT, direction: DESC}) {
          nodes { number body viewerDidAuthor }
          pageInfo { hasNextPage endCursor }
        }
      }
    }' \
    --jq '.data.repository.issues.nodes[]
      | select(.viewerDidAuthor and (.body | startswith(env.MARKER))) | .number' | sort -nu
}

edit() {
  local number=$1
  shift
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/$number" "$@"
}

# Two runs at once make two issues at worst, and then close the younger one: whoever lists last sees both.
keep() {
  local open closed number title="Training jobs need a person"
  cd "$RUNNER_TEMP" # the client looks at no checkout
  export MARKER GH_HOST=${GITHUB_SERVER_URL#*://}
  MARKER=$(head -n 1 "$report")
  printf '\n[The run that wrote this](%s)\n' \
    "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID" >>"$report"
  open=$(issues OPEN --paginate)
  if [ "$NEEDED" != true ]; then
    for number in $open; do edit "$number" -F body=@"$report" -f state=closed -f state_reason=completed; done
    return
  fi
  if [ -n "$open" ]; then
    edit "${open%%$'\n'*}" -F body=@"$report"
  else
    closed=$(issues CLOSED) # the last hundred
    if [ -n "$closed" ]; then
      edit "${closed%%$'\n'*}" -F body=@"$report" -f state=open -f state_reason=reopened
    else
      [ "$PATHS" = specs ] || title="Training jobs of $(printf '%s' "$PATHS" | xargs) need a person"
      gh api --silent "repos/$GITHUB_REPOSITORY/issues" -f title="$title" -F body=@"$report"
    fi
    open=$(issues OPEN --paginate)
  fi
  for number in $open; do
    [ "$number" = "${open%%$'\n'*}" ] || edit "$number" -f state=closed -f state_reason=not_planned
  done
}

issue() {
  if [ ! -s "$report" ]; then
    echo "there is no report to post"
  elif ! bash "${BASH_SOURCE[0]}" keep; then
    echo "::error title=baseten-jobs::the issue could not be kept up to date, which needs the permission issues: write;" \
      "what it would say is in the step's summary"
    return 1
  fi
}

case $1 in
  install | mode | validate | render | plan | post | comment | limits | apply | report | keep | issue) "$1" ;;
  *) echo "there is no step '$1'" >&2 && exit 64 ;;
esac
