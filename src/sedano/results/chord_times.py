"""How long a chord waits for whom. The same as Celery's, so that its workers can share a chord with ours."""

from typing import Final

#: Seconds that the member which completed a chord has for ending it.
CLAIM_SECONDS: Final = 6.0

#: Seconds that a chord is nobody else's once somebody has been told that he may end it. Its body may have
#: been published by one that died before it could say so here; if not, that one's message comes again.
ENDING_SECONDS: Final = 3600.0

#: Seconds that it is remembered that a chord has ended: for members that tell their ends once more.
ENDED_SECONDS: Final = 300.0

#: Seconds that a chord is kept which was extended and has neither begun nor any members.
EXTENDED_SECONDS: Final = 86400.0
