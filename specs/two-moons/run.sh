#!/bin/sh
# Runs where the job's code was unpacked.
set -eu
cd "$(dirname "$0")"
exec python3 train.py --epochs "${EPOCHS:-40}" --out "${BT_CHECKPOINT_DIR:-.}"
