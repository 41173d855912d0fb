/// A fault built in on purpose, to show that the simulator's checkers see it (docs/internals/simulation.md).
package enum RaftMutant: Hashable, Sendable {
    /// A leader commits what is durable on its own disk alone.
    case commitAlone
    /// A leader without a lease answers reads at once.
    case readWithoutConfirmation
    /// A member votes for another though it has promised to support its leader, who counts on it.
    case promiseForgotten
}
