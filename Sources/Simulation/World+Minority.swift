import Primitives

// A minority that stays broken when the rest, the core, is healed: the core alone must agree and be usable
// ("faults, then heal a core and demand convergence").
extension World {
    mutating func leaveOut(_ minority: Scenario.Minority) {
        for node in minority.machines {
            trace.line(now, "n\(node + 1) stays broken: \(minority.state.rawValue)")
            timeline?.mark(fault: "n\(node + 1) (\(hosts[node].region)) stays broken from here on: \(minority.state.rawValue)", at: now)
            hosts[node].isLeftOut = true
            switch minority.state {
            case .crashed:
                crash(node, isSudden: true)
                // Nor does its supervisor start it again.
                hosts[node].life += 1
            case .paused: hosts[node].pausedUntil = .max / 2
            case .cutOff: hosts[node].isCutOff = true
            }
        }
        trace.fold(0xC0 ^ UInt64(minority.machines.count))
    }

    /// Whether a client has ended what it began, or is where nobody helps it.
    func isDone(_ client: Client) -> Bool { client.isDone || hosts[client.node].isLeftOut }
}
