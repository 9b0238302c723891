"""The numerical content/style studies: is content isolated, and with how many outputs?"""
