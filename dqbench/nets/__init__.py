"""Architectures, timm first, each with the image sizes it takes."""
