"""The models: CLIP, language models, captioners, and what can be read and changed inside of them."""
