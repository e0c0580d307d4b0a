"""Where the steps of a plan keep what they make: tests look for values and corrupt them there."""

from bigconst.plans.diskplan import DiskPlan


def place(disk: DiskPlan, stage: str, name: str, work: bool = False) -> int:
    """Address of what a step of a stage makes, or of the transform that it needs for itself."""
    step, = (step for step in disk.trace.steps if step.stage == stage and step.name.rpartition("/")[2] == name)
    return disk.places[step.temporary if work else step.name]
