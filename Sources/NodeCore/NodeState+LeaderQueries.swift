import Filesystem
import Membership
import Primitives
import Replication

// A call lies at a node that does not answer: it may be busy, or cut off, or gone, and another may lead by now. Sending the call
// again would send its bytes again, so that a voter is asked first who leads; a few dozen bytes.

/// Of one group: whom calls wait for, and when a voter is asked next.
struct LeaderQuery {
    /// The node that has not answered.
    let silent: NodeID
    /// Under which a voter's answer comes; nil before the first question.
    var call: CallID?
    var due: Instant
    var pause: Duration = .milliseconds(200)
    var attempts = 0

    /// Pauses between questions grow up to this: calls may take long for good reasons, such as a lock that is waited for.
    static let pauseMax: Duration = .seconds(5)
}

extension NodeState {
    /// How long a node that leads may be silent before it is asked about, beside three round trips to it.
    private static var silenceMin: Duration { .milliseconds(250) }

    /// Looks for calls without an answer and asks a voter of each group, in turn, who leads it.
    mutating func queryLeaders(into effects: inout [Effect]) {
        var silent = OrderedTable<GroupID, NodeID>()
        for (_, call) in calls.calls where isOverdue(call) {
            if let destination = call.destination { silent[call.group] = destination }
        }
        for group in leaderQueries.keys where silent[group] != leaderQueries[group]?.silent { _ = leaderQueries.remove(group) }
        for (group, node) in silent { query(group, node, into: &effects) }
    }

    /// Replicas hear of a new leader by themselves (`wakeCalls`). A member that others do not reach either is asked about at once.
    private func isOverdue(_ call: OutgoingCall) -> Bool {
        guard call.fixed == nil, let destination = call.destination, destination != settings.id, !groups.contains(call.group) else {
            return false
        }
        guard swim.member(destination)?.status == .alive else { return true }
        return call.sentAt + Self.silenceMin + (swim.roundTrip(to: destination)?.median ?? .milliseconds(300)) * 3 <= now
    }

    private mutating func query(_ group: GroupID, _ silent: NodeID, into effects: inout [Effect]) {
        var query = leaderQueries[group] ?? LeaderQuery(silent: silent, due: now)
        guard query.due <= now else { return }
        let voters = knownVoters(of: group).filter { $0 != silent && $0 != settings.id }
        let living = voters.filter { swim.member($0)?.status == .alive }
        let asked = living.isEmpty ? voters : living
        guard !asked.isEmpty else { return }
        let voter = asked[query.attempts % asked.count]
        let id = calls.newID()
        query.call = id
        query.attempts += 1
        query.due = now + query.pause + (swim.roundTrip(to: voter)?.median ?? .milliseconds(300))
        query.pause = min(query.pause * 2, LeaderQuery.pauseMax)
        leaderQueries[group] = query
        counters.leaderQueries += 1
        effects.append(.send(to: voter, .control, .call(id, .leader(group)), attachment: nil))
    }

    /// True where the answer was to a question of these.
    mutating func answersQuery(_ id: CallID, _ answer: Answer) -> Bool {
        guard let (group, query) = leaderQueries.first(where: { $0.value.call == id }).map({ ($0.key, $0.value) }) else { return false }
        guard case .notLeader(let leader?) = answer, leader != query.silent else {
            // Nobody leads as far as that one knows: an election may be under way.
            if case .notLeader(nil) = answer { _ = leaderQueries.update(group) { $0.due = min($0.due, now + .milliseconds(100)) } }
            return true
        }
        _ = leaderQueries.remove(group)
        leaderHints[group] = leader
        redirect(group, from: { $0 == query.silent })
        return true
    }

    /// Sends calls to a group again that lie at nodes which do not lead it any more. Their stamps make a change that the one
    /// carries out as well as the other happen once.
    mutating func redirect(_ group: GroupID, from isOld: (NodeID) -> Bool) {
        for (id, call) in calls.calls where call.group == group && call.fixed == nil {
            guard let destination = call.destination, isOld(destination) else { continue }
            _ = calls.calls.update(id) {
                $0.destination = nil
                $0.due = now
            }
            freshCalls.append(id)
        }
    }
}
