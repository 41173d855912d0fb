/// A fault built in on purpose, to show that the simulator's checkers see it (docs/internals/simulation.md).
package enum RaftMutant: Hashable, Sendable {
    /// A leader commits what is durable on its own disk alone.
    case commitAlone
    /// A leader without a lease answers reads at once.
    case readWithoutConfirmation
    /// A leader that once had a lease has it for as long as it believes to lead, and believes so until it
    /// hears of another.
    case leaseWithoutBound
    /// A member votes for another though it has promised to support its leader, who counts on it.
    case promiseForgotten
}
