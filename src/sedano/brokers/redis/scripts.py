"""The Redis broker's scripts, and how they are run: by the lanes they touch."""

from typing import Final

from sedano.redis.script import load_script

ADOPT: Final = load_script(__package__, "stamp.lua", "adopt.lua")
CHANGE_TICK: Final = load_script(__package__, "change_tick.lua")
CLAIM: Final = load_script(__package__, "stamp.lua", "promote.lua", "claim.lua")
CLAIM_SOME: Final = load_script(__package__, "stamp.lua", "promote.lua", "claim_some.lua")
CLAIM_PARKED: Final = load_script(__package__, "claim_parked.lua")
CLAIM_TICKS: Final = load_script(__package__, "claim_ticks.lua")
COUNT: Final = load_script(__package__, "count.lua")
DOOM: Final = load_script(__package__, "doom.lua")
EMPTY_INBOX: Final = load_script(__package__, "empty_inbox.lua")
ENLIST: Final = load_script(__package__, "enlist.lua")
FENCE: Final = load_script(__package__, "fence.lua")
GIVE_BACK: Final = load_script(__package__, "stamp.lua", "give_back.lua")
LOOK: Final = load_script(__package__, "look.lua")
RENEW: Final = load_script(__package__, "renew.lua")
REPLACE: Final = load_script(__package__, "replace.lua")
SETTLE: Final = load_script(
    __package__, "stamp.lua", "sedano.redis:store_result.lua", "sedano.redis:chord.lua", "settle.lua"
)
TAKE_OVER: Final = load_script(__package__, "take_over.lua")
TAKE_TURNS: Final = load_script(__package__, "take_turns.lua")

#: What a node uses all the time: the server has them before it is needed, so that batches run in their order.
OF_A_LEASE: Final = (ADOPT, CLAIM, CLAIM_SOME, CLAIM_PARKED, COUNT, LOOK, RENEW, SETTLE)
