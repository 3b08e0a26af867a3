"""Without scikit-learn everything else works, and what needs it says what installs it."""

import subprocess
import sys

CODE = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sklearn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
import fastcnn
fastcnn.recipes, fastcnn.onnx
from fastcnn import *
try:
    fastcnn.sklearn
except ImportError as error:
    print(error)
"""


def test_the_message_names_the_extra():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120)
    assert done.stdout == 'fastcnn.sklearn needs scikit-learn >= 1.6: pip install "fastcnn[sklearn]"\n'
    assert not done.stderr


def test_it_is_loaded_when_it_is_used_first():
    code = "import sys, fastcnn; print('sklearn' in sys.modules); fastcnn.sklearn.CNNClassifier()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("False\n", "")
