curl -X POST "https://api.baseten.co/v1/training_projects/n4q95w5/jobs" -H "Authorization: Api-Key hidden-key" -H "Content-Type: application/json" -d "{
  \"training_job\": {
    \"image\": {
      \"base_image\": \"python:3.11.9-slim\",
      \"docker_auth\": null
    },
    \"compute\": {
      \"node_count\": 1
    },
    \"runtime\": {
      \"start_commands\": [
        \"echo \\\"it's\\\" \$HOME \\\\ done\\npython train.py\"
      ],
      \"environment_variables\": {
        \"NAME\": \"naïve\"
      }
    },
    \"name\": \"sft\"
  }
}"
