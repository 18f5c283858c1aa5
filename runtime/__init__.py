"""A NumPy autodiff engine with two faces: enough of TensorFlow 1.x and of MindSpore to run gradient programs with their numbers."""
