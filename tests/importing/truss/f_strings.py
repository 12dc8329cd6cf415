from truss_train import definitions

MODEL, SIZE = "Qwen", 8
RATE = 2e-5
STEPS = 10 * 100
SCRIPT = "train.py"
FLAGS = f"--model {MODEL}/{MODEL}3-{SIZE}B --lr {RATE} --steps {STEPS:,} --name {MODEL!r} --pad {SIZE:03d}"
runtime = definitions.Runtime(
    start_commands=[f"chmod +x ./{SCRIPT} && ./{SCRIPT} {FLAGS}", "echo done " + MODEL + "-" + str(SIZE)],
    environment_variables={"MODEL": f"{MODEL}{SIZE}", "HALF": str(SIZE // 2), "BRACES": f"{{{SIZE}}}"},
)
job = definitions.TrainingJob(image=definitions.Image(base_image="repo/image:" + "1." + "2"), runtime=runtime)
project = definitions.TrainingProject(name=f"{MODEL}-{SIZE}B f-strings", job=job)
