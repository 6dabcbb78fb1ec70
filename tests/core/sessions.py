"""Random but plausible sessions for property tests: observations in order of time."""

from __future__ import annotations

from hypothesis import strategies as st

from streamnotice.observations import (
    EchoPair,
    FirstByte,
    HopProbe,
    HostLoad,
    LookUp,
    Observation,
    Playback,
    RequestConnected,
    RequestEnded,
    RequestStarted,
    RoundTrip,
    Route,
    Transfer,
)

S_NS = 1_000_000_000
MS_NS = 1_000_000

states = st.sampled_from(["starting", "playing", "stalled", "seeking", "paused", "ended", None])
maybe_time = st.none() | st.integers(0, 60 * S_NS)
small = st.none() | st.integers(0, 10**9)
failures = st.sampled_from(["dns", "refused", "timeout", "reset", "truncated", "cancelled", None])
segments = st.sampled_from(
    ["network.home.wifi", "network.isp.access", "network.isp.core", "network.interconnect",
     "service", None]
)  # fmt: skip


def observations(at_ns: int) -> st.SearchStrategy[Observation]:
    """Any observation at an instant."""
    number = st.integers(0, 5)
    return st.one_of(
        st.builds(
            Playback, st.just(at_ns), state=states, buffer_ns=maybe_time, position_ns=maybe_time,
            rendition_bps=st.none() | st.integers(1, 10**8),
            ladder_bps=st.none() | st.lists(st.integers(1, 10**8), max_size=4).map(tuple),
            dropped_frames=small, decoded_frames=small,
            wants_data=st.none() | st.booleans(), speed_permille=st.none() | st.integers(0, 4000),
            duration_ns=maybe_time,
        ),
        st.builds(RequestStarted, st.just(at_ns), number, st.just("host-a"),
                  st.sampled_from(["media", "playlist", "other"])),
        st.builds(LookUp, st.just(at_ns), number, small),
        st.builds(RequestConnected, st.just(at_ns), number, dns_ns=small, connect_ns=small,
                  syn_rtt_ns=small),
        st.builds(FirstByte, st.just(at_ns), number, st.sampled_from([200, 206, 404, 500, 503]),
                  st.integers(0, 30 * S_NS), cache=st.sampled_from(["hit", "miss", None]),
                  origin_ns=small, edge_ns=small),
        st.builds(Transfer, st.just(at_ns), number, st.integers(0, 10**8),
                  socket=st.sampled_from(["sock-a", "sock-b", None]), rtt_ns=small,
                  min_rtt_ns=small, segments_in=small, out_of_order=small, unread_bytes=small),
        st.builds(RequestEnded, st.just(at_ns), number, st.integers(0, 10**8), failures),
        st.builds(Route, st.just(at_ns), st.just("host-a"), st.just("service"),
                  st.just(("addr-1", None, "addr-3")), st.tuples(segments, segments, segments),
                  st.booleans()),
        st.builds(HopProbe, st.just(at_ns), st.just("host-a"), st.integers(1, 4),
                  st.sampled_from(["udp", "tcp"]),
                  st.sampled_from(["ttl_exceeded", "reached", "lost", "error"]),
                  rtt_ns=small, return_hops=st.none() | st.integers(0, 40), loaded=st.booleans()),
        st.builds(EchoPair, st.just(at_ns), st.sampled_from(["host-a", "addr-1"]),
                  st.sampled_from(["service", "first-hop"]), st.just(1500), small, small),
        st.builds(RoundTrip, st.just(at_ns), st.sampled_from(["host-a", "host-r"]),
                  st.sampled_from(["service", "reference"]), rtt_ns=small, failure=failures),
        st.builds(HostLoad, st.just(at_ns), st.just(S_NS), loop_lag_ns=small,
                  cpu_wait_permille=st.none() | st.integers(0, 1000)),
    )  # fmt: skip


@st.composite
def sessions(draw: st.DrawFn, longest: int = 120) -> list[Observation]:
    """A session: gaps from nothing to a minute, all kinds mixed."""
    gaps = draw(
        st.lists(
            st.sampled_from([0, 1, 50 * MS_NS, 250 * MS_NS, S_NS, 3 * S_NS, 65 * S_NS]),
            min_size=1, max_size=longest,
        )
    )  # fmt: skip
    now = 0
    made = []
    for gap in gaps:
        now += gap
        made.append(draw(observations(now)))
    return made


def bad_evening(seconds: int = 60, good: int = 10) -> list[Observation]:
    """Buffer level alone: fine for a while, then a drain into a long stall."""
    made: list[Observation] = []
    level = 12 * S_NS
    for quarter in range(seconds * 4):
        at = quarter * S_NS // 4
        if at > good * S_NS:
            level = max(0, level - S_NS // 4)
        state = "playing" if level > 0 else "stalled"
        made.append(Playback(at, state=state, buffer_ns=level))  # type: ignore[arg-type]
    return made
