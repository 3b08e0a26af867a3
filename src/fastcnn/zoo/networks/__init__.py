"""The networks that the zoo has, a file for each family; `fastcnn.zoo.registry` lists them by name.

A function that makes one takes the shape of the images and the number of classes, then options of its own.
Those that torchvision has too have its names of modules, so that its state dicts fit.
"""
