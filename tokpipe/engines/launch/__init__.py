"""Scripts and manifests that start a command on many machines: templates for a person to edit."""
