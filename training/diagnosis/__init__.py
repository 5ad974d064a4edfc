"""Photos to a release of the diagnosis: what is shown, where it is broken, how badly.

The lower half of a pretrained backbone is left as it is, and what it makes of every training picture is computed once:
on a processor without an accelerator that turns hours of fitting into minutes.
"""
