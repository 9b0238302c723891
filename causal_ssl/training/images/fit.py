"""A run under Lightning's Trainer: one epoch as long as the run, continued where it stopped."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.strategies import DDPStrategy

from causal_ssl import files
from causal_ssl.models.weights.runs import CHECKPOINTS, ENCODER, save_encoder
from causal_ssl.training.checkpoint import check_same_run
from causal_ssl.training.images.bookkeeping import Bookkeeping
from causal_ssl.training.images.checkpoints import RUN, Checkpoints, load
from causal_ssl.training.images.gather import PATIENCE, lost_processes_named, wait_for_all
from causal_ssl.training.images.interrupts import stop_requests
from causal_ssl.training.images.launch import Launch, is_first_process
from causal_ssl.training.images.loggers import ExtraLoggers, tensorboard, wandb
from causal_ssl.training.images.module import ImageModule
from causal_ssl.training.images.progress import ImageProgress
from causal_ssl.training.images.quiet import quiet_lightning
from causal_ssl.training.images.run import ImageRun
from causal_ssl.training.step import Precision, matmul_precision


class WholeFiles(TorchCheckpointIO):
    """Lightning's checkpoints, written as all files of the project are: whole or not at all."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        files.save_tensors(Path(path), checkpoint)


def fit(run: ImageRun, on_progress: Callable[[ImageProgress], None]) -> None:
    """Train to the end, from the last checkpoint if there is one, and leave the encoder's file.

    Raises:
        InputError, NonFiniteError, LostProcessError, KeyboardInterrupt: as `train_images`.
    """
    checkpoints = Checkpoints(run.out / CHECKPOINTS)
    module = ImageModule(run).train()
    last = checkpoints.last()
    start = 0 if last is None else _restored(module, last)
    if is_first_process():  # which may have to make the directory its own first
        files.write(run.out / "training.json", json.dumps(run.identity, indent=2) + "\n")
    with lost_processes_named(checkpoints, evaluates=run.evaluate is not None):
        if start < run.config.steps:
            _advance(module, checkpoints, start, on_progress)
        if module.global_rank == 0:
            save_encoder(run.out / ENCODER, module.encoder, run.identity)
        wait_for_all()


def _restored(module: ImageModule, last: Path) -> int:
    """The step of a checkpoint of the same run, whose weights the module then has."""
    remedy = "delete it to continue from the one before, or to start afresh"
    state = load(last, what="a checkpoint of this trainer", remedy=remedy)
    check_same_run(state[RUN]["identity"], module.run.identity, last)
    module.load_state_dict(state["state_dict"])
    return state["global_step"]


def _advance(
    module: ImageModule,
    checkpoints: Checkpoints,
    start: int,
    on_progress: Callable[[ImageProgress], None],
) -> None:
    run, last = module.run, checkpoints.last()
    with (
        stop_requests() as stop,
        quiet_lightning(),
        _kernels(run.config.precision, run.accelerator),
    ):
        loggers = partial(_loggers, run, start)
        bookkeeping = Bookkeeping(
            run, checkpoints, stop, loggers, start=start, on_progress=on_progress
        )
        trainer = _trainer(run, bookkeeping)
        try:
            trainer.fit(module, ckpt_path=last, weights_only=True)
        except SystemExit as error:
            if not isinstance(error.__context__, KeyboardInterrupt):
                raise
            # What Lightning makes of a KeyboardInterrupt: a second Ctrl-C, or `on_progress`.
            raise _interruption(trainer, checkpoints) from error
    if trainer.global_step < run.config.steps:
        raise _interruption(trainer, checkpoints)


def _interruption(trainer: Trainer, checkpoints: Checkpoints) -> KeyboardInterrupt:
    last = checkpoints.last()
    kept = "nothing was saved yet" if last is None else f"{last} is kept"
    return KeyboardInterrupt(
        f"training stopped after step {trainer.global_step} of {trainer.max_steps}: {kept}. "
        "Repeat the same command to continue"
    )


def _loggers(run: ImageRun, start: int) -> ExtraLoggers:
    makers = {
        "tensorboard": partial(tensorboard, run.out, start),
        "wandb": partial(wandb, run.out, run.identity),
    }
    return ExtraLoggers({name: makers[name] for name in run.loggers})


def _trainer(run: ImageRun, bookkeeping: Bookkeeping) -> Trainer:
    cuda, several = run.accelerator == "cuda", run.launch.ranks > 1
    return Trainer(
        accelerator=run.accelerator,
        devices=run.launch.devices,
        num_nodes=run.launch.nodes,
        strategy=DDPStrategy(timeout=PATIENCE) if several else "auto",
        sync_batchnorm=cuda and several,
        precision="bf16-mixed" if run.config.precision == "bf16" else "32-true",
        max_epochs=1,
        max_steps=run.config.steps,
        accumulate_grad_batches=run.config.accumulate,
        limit_val_batches=0,
        use_distributed_sampler=False,
        callbacks=[bookkeeping],
        plugins=[WholeFiles(), _environment(run.launch)],
        logger=False,  # `Bookkeeping` has its own
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=run.out,
        log_every_n_steps=1,  # of what it logs itself: nothing
    )


def _environment(launch: Launch) -> ClusterEnvironment:
    if launch.by == "torchrun":
        return TorchElasticEnvironment()
    if launch.by == "srun":
        # Requeueing would save and restore checkpoints of another kind than this trainer's.
        return SLURMEnvironment(auto_requeue=False)
    return LightningEnvironment()


@contextmanager
def _kernels(precision: Precision, accelerator: str) -> Iterator[None]:
    """Products, and on CUDA convolutions, as `precision` says, by the kernels that are fastest."""
    if accelerator == "cpu":
        yield
        return
    tf32 = precision != "float32"
    with (
        torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=tf32),
        matmul_precision(precision, torch.device(accelerator)),
    ):
        yield
