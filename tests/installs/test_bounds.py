"""The oldest versions are those that pyproject.toml names."""

from tests.installs.bounds import oldest


def test_each_lower_bound_is_one_line():
    project = {
        "dependencies": ["numpy>=1.25", "tomli>=2.0; python_version < '3.11'"],
        "optional-dependencies": {
            "plots": ["matplotlib>=3.6"],
            "images": ["pillow>=9.3"],
            "test": ["pytest-benchmark>=4.0", "pillow>=9.3", "cython>=3.1"],
            "lint": ["ruff~=0.17.5"],
        },
    }
    lines = oldest({"project": project, "build-system": {"requires": ["setuptools>=77", "cython>=3.1"]}})
    assert lines == [
        "cython==3.1",
        "matplotlib==3.6",
        "numpy==1.25",
        "pillow==9.3",
        "pytest-benchmark==4.0",
        "setuptools==77",
        "tomli==2.0",
    ]
