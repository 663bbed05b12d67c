"""The one module that registers gymnasium ids.

gymnasium.make("brownfield.envs.registration:brownfield/Kitchen-v0")
"""

import gymnasium

gymnasium.register(
    id="brownfield/Kitchen-v0",
    entry_point="brownfield.envs.kitchen_env:KitchenEnv",
)
gymnasium.register(
    id="brownfield/Road-v0",
    entry_point="brownfield.envs.road.road_env:RoadEnv",
)
gymnasium.register(
    id="brownfield/Reacher-v0",
    entry_point="brownfield.envs.reacher:ReacherEnv",
)
