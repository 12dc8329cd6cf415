from truss_train import definitions

runtime = definitions.Runtime(
    start_commands=[
        "yes",
        "# not a comment",
        "key: value",
        "- item",
        " leading and trailing ",
        "tab\there",
        "naïve 東京 🚀",
    ],
    environment_variables={
        "SWITCH": "on",
        "NO": "no",
        "RATE": "1e3",
        "OCTAL": "0o7",
        "OLD_OCTAL": "010",
        "TIME": "1:30",
        "NULL": "null",
        "TILDE": "~",
        "EMPTY": "",
        "DATE": "2026-11-22",
        "FLOAT": "3.10",
        "CARRIAGE": "a\r\nb",
        "QUOTE": "it's",
        "BRACE": "{x}",
        "y": "n",
        "DOLLAR": "$HOME",
        "PERCENT": "%d",
        "STAR": "*x",
        "AND": "&x",
        "BANG": "!x",
        "AT": "@x",
        "TICK": "`x`",
    },
)
job = definitions.TrainingJob(image=definitions.Image(base_image="python:3.12.4-slim"), runtime=runtime)
project = definitions.TrainingProject(name="yes: #1", job=job)
