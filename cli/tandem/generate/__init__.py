"""Sample data: the feeds of a made-up town, in which two carriers sell one plan together.

from tandem.generate import Town, generate
summary = generate(Town(accounts=300, months=3, seed=7), Path("town"))
"""

from tandem.generate.build import generate
from tandem.generate.model import Story
from tandem.generate.summary import Summary, WrittenFile
from tandem.generate.town import Town

__all__ = ["Story", "Summary", "Town", "WrittenFile", "generate"]
