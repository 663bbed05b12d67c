"""Settings that must be made before anything heavy is imported."""

import os

from brownfield.configs.graphics import choose_renderer

choose_renderer()
# Two pools of threads on two cores slow each other down.
os.environ.setdefault("OMP_NUM_THREADS", "1")
