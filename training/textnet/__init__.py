"""A transformer that reads tickets: an encoder, packaged or named, fine-tuned on all labels at once, then ONNX."""
