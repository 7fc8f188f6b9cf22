import subprocess
import sys

SETTLED = """
import gc, json
from chassis import memory
memory.give_back()
loaded = [[n] for n in range(1000)]
memory.settle()
print(gc.get_freeze_count() >= 1000, len(gc.get_objects()) < 1000)
"""


def test_what_is_loaded_is_set_apart_from_garbage_collection():
    told = subprocess.run([sys.executable, "-c", SETTLED], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "True"], told
