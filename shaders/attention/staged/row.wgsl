// Row t of an invocation's TM rows, picked out of named registers.
    var t = t0;
    var head = head0;
    var mine = mine0;
#for c in 0..COLUMNS
    var x${c} = o0_${c};
#end
#for i in 1..TM
    if (i == ${i}u) {
      t = t${i};
      head = head${i};
      mine = mine${i};
#for c in 0..COLUMNS
      x${c} = o${i}_${c};
#end
    }
#end
