"""Fine-tuning through OpenMMLab's libraries: their configs, runner, hooks and evaluators, with dqbench's backbones."""
