import Consensus
import Filesystem
import Primitives

// Linearizable reads: how far a replica must be before it may answer (Ongaro's thesis, §6.4).

extension NodeState {
    /// The index up to which a replica must have applied to read what was current when it asked.
    mutating func readIndex(_ group: GroupID, _ place: Step, _ progress: inout RequestProgress, into effects: inout [Effect])
        throws(Interrupt) -> UInt64
    {
        if progress.begun[place] == nil {
            let token = requests.makeToken()
            progress.begun[place] = token
            readingNow = token
            driveRaft(.group(group, .read(ReadToken(token.rawValue))), into: &effects)
            readingNow = nil
            // Under the leader's lease the answer is here already.
            if let early = earlyRead {
                progress.ended[place] = early
                earlyRead = nil
            } else {
                requests.expect(token, request: currentKey, step: place)
            }
        }
        guard let value = progress.ended[place] else { throw .waiting }
        if case .failed(let failure) = value { throw .failure(failure) }
        guard case .index(let index) = value else { preconditionFailure("a read index ended as \(value)") }
        return index
    }

    /// As `readIndex`, and tries again while nobody leads, until the request's deadline.
    mutating func patientReadIndex(_ group: GroupID, _ progress: inout RequestProgress, into effects: inout [Effect]) throws(Interrupt)
        -> UInt64
    {
        var number = 100
        while true {
            do throws(Interrupt) {
                return try readIndex(group, Step(.readIndex, number), &progress, into: &effects)
            } catch {
                guard case .failure(let failure) = error, failure.code == .unavailable else { throw error }
                _ = try step(Step(.wait, number), &progress) { node, token in node.pauses.append((node.now + .milliseconds(200), token)) }
                number += 1
            }
        }
    }

    mutating func readReady(_ group: GroupID, _ token: ReadToken, _ index: UInt64) {
        finishRead(WaitToken(token.rawValue), .index(index))
    }

    mutating func readFailed(_ group: GroupID, _ token: ReadToken) {
        let failure = FileFailure(
            .unavailable, operation: "read", object: "group \(group)", cause: "no leader confirms that it leads", hint: "try again")
        finishRead(WaitToken(token.rawValue), .failed(failure))
    }

    /// The request that asked may be the one that is being run, and is then not in the table.
    private mutating func finishRead(_ token: WaitToken, _ value: StepValue) {
        if token == readingNow { earlyRead = value } else { resolve(token, value) }
    }
}
