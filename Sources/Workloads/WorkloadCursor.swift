package import Filesystem
package import Primitives

/// A client at work: a seeded state machine that yields one step at a time and takes its result.
///
/// A cell opens a session, makes its own directory, deals out the mix cold (files that this region
/// has not read before, a slice of the inputs for each repetition), deals it again warm (the same
/// paths, the same session), and closes. The mix is dealt in rounds, each operation in proportion
/// to its count, so that an early end by the time limit leaves all operations with samples; no
/// operation ends with fewer than `samplesMin`. The preparation puts the inputs and, on a volume,
/// commits and waits for all regions.
///
/// A failed operation is a sample with a failure: its remaining steps are dropped, its file is
/// closed, and what a volume's session had staged is discarded. Too many failures in a row end the cell.
package struct WorkloadCursor: Sendable {
    /// Failures in a row after which a cell gives up.
    package static let failuresMax = 4
    /// Pages of one directory that `list` reads at most.
    static let pagesMax = 64

    enum Stage: Sendable { case opening, prelude, dealing(CacheState), closing, finished }

    package let workload: Workload
    package let task: WorkloadTask
    package let inventory: InputInventory
    /// Samples taken so far; the driver drains them.
    package internal(set) var samples: [Sample] = []
    /// Why the cell ended early, if it did.
    package internal(set) var gaveUp: FileFailure?
    /// Inputs that the preparation has put so far.
    package internal(set) var put = PutCounts()

    var stage: Stage = .opening
    var queue: [PlannedStep] = []
    var position = 0
    var handles = [HandleID?](repeating: nil, count: PlannedStep.Slot.allCases.count)
    var current: Sample?
    var failuresInRow = 0
    var pages = 0
    /// Commits of the update under way that were refused.
    var commitTries = 0
    /// With what words a lock was refused, where that was asked.
    package internal(set) var refusal: FileFailure?
    /// Dealing.
    var deck: [(line: Int, ordinal: Int)] = []
    var deckPosition = 0
    var deadline: Instant?
    /// How often each line of the mix was planned cold; warm repeats the same.
    var coldDone: [Int]
    var doneInStage: [Int]
    /// Files of this cell that may be renamed and removed, and changes that no commit has published.
    var created: [FilePath] = []
    var renamed: [FilePath] = []
    var staged = 0
    /// Sequential reading.
    var sequentialFile = 0
    var sequentialOffset: UInt64 = 0
    /// The large file that is open for random reads.
    var randomFile = 0
    let treeOrder: [Int]
    let directories: [FilePath]
    var preparation: Preparation

    /// `put`: what the preparation of this kind has put (ignored by the preparation itself).
    package init(_ workload: Workload, task: WorkloadTask, inventory: InputInventory, put: PutCounts = PutCounts()) {
        self.workload = workload
        self.task = task
        self.inventory = inventory
        coldDone = Array(repeating: 0, count: workload.mix.count)
        doneInStage = coldDone
        preparation = Preparation(workload, inventory)
        if case .cell = task.part { self.put = put }
        treeOrder = Self.order(task.part == .prepare ? 0 : put.tree, seed: workload.seed)
        directories = task.part == .prepare ? [] : Self.directories(workload, inventory.tree.prefix(put.tree))
    }

    package struct PutCounts: Hashable, Sendable {
        package var tree: Int
        package var large: Int
        package var bytes: UInt64
        package init(tree: Int = 0, large: Int = 0, bytes: UInt64 = 0) {
            self.tree = tree
            self.large = large
            self.bytes = bytes
        }
    }

    /// The samples taken since the last call.
    package mutating func takeSamples() -> [Sample] {
        defer { samples = [] }
        return samples
    }

    package mutating func next(now: Instant) -> WorkloadStep {
        // Each turn either returns or moves to a later stage, sample or step.
        while true {
            switch stage {
            case .opening:
                return .openSession(SessionOptions(readOnly: false, idleLimit: .seconds(600)))
            case .finished:
                return .finished
            case .closing:
                return .closeSession
            case .prelude, .dealing:
                while position < queue.count {
                    if let step = ready() { return step }
                    dropSample()
                }
                guard gaveUp == nil, plan(now: now) else {
                    advance()
                    continue
                }
            }
        }
    }

    /// Takes the result of the step that `next` gave, and how long it took.
    package mutating func complete(_ result: StepResult, took: Duration, now: Instant) {
        switch (stage, result) {
        case (.opening, .sessionOpened): enterPrelude()
        case (.opening, .failed(let failure)):
            gaveUp = failure
            stage = .finished
        case (.closing, _): stage = .finished
        case (_, .failed(let failure)): fail(failure, took: took)
        case (_, .done(let outcome)): succeed(outcome, took: took)
        case (_, .sessionOpened), (_, .sessionClosed), (_, .paused): preconditionFailure("a result that answers no step")
        }
    }
}

// Stages.
extension WorkloadCursor {
    private mutating func enterPrelude() {
        stage = .prelude
        switch task.part {
        case .prepare:
            let names = ["", "/tree", "/large", "/records", "/published", "/checkpoints", "/out"]
            load(names.map { PlannedStep(action: .plain(.makeDirectory(path: path($0), mode: 0o755, parents: true))) })
        case .cell:
            guard workload.mix.contains(where: { $0.operation.usesOwnDirectory }) else { return }
            var steps = [PlannedStep(action: .plain(.makeDirectory(path: ownDirectory, mode: 0o755, parents: true)))]
            // Committed at once: a reload may then find nothing staged.
            if isVolume { steps.append(PlannedStep(action: .plain(.commit(CommitOptions(message: "directory"))))) }
            load(steps)
        }
    }

    mutating func load(_ steps: [PlannedStep]) {
        queue = steps
        position = 0
    }

    /// Plans what comes after an empty queue; false where the stage is over.
    private mutating func plan(now: Instant) -> Bool {
        switch (stage, task.part) {
        case (.dealing, .prepare):
            let limit = deadline ?? now + workload.limits.prepare
            deadline = limit
            guard let steps = planPreparation(isLate: now >= limit) else { return false }
            load(steps)
            return true
        case (.dealing(let cache), .cell):
            let limit = deadline ?? now + (cache == .cold ? workload.limits.cold : workload.limits.warm)
            deadline = limit
            return deal(cache, isLate: now >= limit)
        default:
            return false
        }
    }

    private mutating func advance() {
        let isCell = task.part != .prepare
        deadline = nil
        switch stage {
        case .prelude where gaveUp == nil: startDealing(.cold)
        case .dealing(.cold) where isCell && gaveUp == nil:
            coldDone = doneInStage
            startDealing(.warm)
            load(closeHandles())
        case .prelude, .dealing, .opening, .closing, .finished: stage = .closing
        }
    }

    private mutating func startDealing(_ cache: CacheState) {
        stage = .dealing(cache)
        deck = makeDeck(cache)
        deckPosition = 0
        doneInStage = Array(repeating: 0, count: workload.mix.count)
        sequentialFile = 0
        sequentialOffset = 0
        created = []
        renamed = []
    }

    /// Closes what is open, so that the warm pass opens again (which is what close-to-open costs).
    private func closeHandles() -> [PlannedStep] {
        PlannedStep.Slot.allCases.filter { handles[$0.rawValue] != nil }
            .map { PlannedStep(action: .close($0, abandon: false)) }
    }
}

// The deal.
extension WorkloadCursor {
    /// Line after line in rounds, each in proportion to its count and all of them in the first round.
    private func makeDeck(_ cache: CacheState) -> [(line: Int, ordinal: Int)] {
        let counts = workload.mix.map { line in
            line.operation.meaning(on: task.kind) == nil ? 0 : cache == .cold ? line.cold : line.warm
        }
        guard let rounds = counts.max(), rounds > 0 else { return [] }
        var deck: [(line: Int, ordinal: Int)] = []
        for round in 0..<rounds {
            for (line, count) in counts.enumerated() {
                let before = (round * count + rounds - 1) / rounds
                let after = ((round + 1) * count + rounds - 1) / rounds
                for ordinal in before..<after { deck.append((line, ordinal)) }
            }
        }
        return deck
    }

    private mutating func deal(_ cache: CacheState, isLate: Bool) -> Bool {
        while deckPosition < deck.count {
            let (line, ordinal) = deck[deckPosition]
            deckPosition += 1
            if isLate, doneInStage[line] >= workload.limits.samplesMin { continue }
            let operation = workload.mix[line].operation
            let target = cache == .warm && coldDone[line] > 0 ? ordinal % coldDone[line] : ordinal
            let hasStaged = isVolume && staged > 0
            var steps = steps(for: operation, ordinal: ordinal, target: target, cache: cache)
            guard !steps.isEmpty else { continue }
            if hasStaged, operation.reloadsFirst {
                // A reload refuses to lose what is staged: published first, not timed.
                steps.insert(PlannedStep(action: .plain(.commit(CommitOptions(message: "before a reload")))), at: 0)
            }
            doneInStage[line] += 1
            load(steps)
            return true
        }
        return false
    }
}
