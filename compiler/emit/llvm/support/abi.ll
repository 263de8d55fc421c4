; The C interface of runtime/neuralc.h: what is the same for every model. A model itself is one constant, %nrc.model.
;
; Functions are weak, so that objects of several models link into one program: any copy serves every model of its ABI
; version. nrc_context_create compares the versions.

%nrc.tensor = type {
  i64, ptr, ptr, i32, i32, ; 0-4 nrc_tensor_info: size, name, shape as texts, dtype, rank
  ptr                      ; 5 void (ptr dims, ptr shape): the sizes under given dims
}

%nrc.dim = type { i64, ptr, ptr, i64, i64 } ; nrc_dim_info: size, name, origin, minimum, maximum

%nrc.feature = type { ptr, i32, i32, i32, i32, i32 } ; name, then what nrc.has_feature needs

%nrc.model = type {
  i64,                ;  0 size of this structure
  i32,                ;  1 ABI version
  i32,                ;  2 threads of a context that does not say; 0: one for each processor
  i32, i32, i32, i32, ;  3-6 number of inputs, outputs, dims, features
  ptr, ptr, ptr, ptr, ;  7-10 the tables of these
  ptr, ptr,           ; 11 name, 12 metadata
  ptr,                ; 13 weights
  ptr,                ; 14 i64 (ptr dims): bytes of the arena, or -1 where they overflow
  ptr,                ; 15 void (ptr run, i64 thread): the program, which leaves 0 in the status of the run, or the number
                      ;    of the error that the data has: 910, 911
  i32, i32,           ; 16 number of states, 17 number of their different symbolic sizes; without states null are:
  ptr,                ; 18 i64 (ptr dims): bytes of the states, or -1 where they overflow
  ptr,                ; 19 void (ptr dims, ptr sizes): their different symbolic sizes
  ptr,                ; 20 void (ptr dims, ptr states, ptr weights): writes what they hold at first
  ptr                 ; 21 i64 (ptr dims): nanoseconds of one thread that threads can share, an estimate
}

@nrc.status.0 = private constant [5 x i8] c"done\00"
@nrc.status.1 = private constant [35 x i8] c"a pointer is null that must not be\00"
@nrc.status.2 = private constant [67 x i8] c"the caller and the artifact follow different versions of neuralc.h\00"
@nrc.status.3 = private constant [40 x i8] c"there is no tensor or dim of this index\00"
@nrc.status.4 = private constant [31 x i8] c"a dim is outside of its bounds\00"
@nrc.status.5 = private constant [32 x i8] c"not enough memory for the arena\00"
@nrc.status.6 = private constant [48 x i8] c"the threads of the context could not be started\00"
@nrc.status.7 = private constant [57 x i8] c"the processor lacks a feature the model was compiled for\00"
@nrc.status.8 = private constant [42 x i8] c"a number of threads is between 1 and 1024\00"
@nrc.status.9 = private constant [58 x i8] c"an index in the inputs is outside of what it counts along\00"
@nrc.status.10 = private constant [25 x i8] c"integer division by zero\00"
@nrc.status.11 = private constant [60 x i8] c"the states have other sizes than this run, reset them first\00"
@nrc.status.unknown = private constant [15 x i8] c"unknown status\00"
@nrc.statuses = private constant [12 x ptr] [
  ptr @nrc.status.0, ptr @nrc.status.1, ptr @nrc.status.2, ptr @nrc.status.3,
  ptr @nrc.status.4, ptr @nrc.status.5, ptr @nrc.status.6, ptr @nrc.status.7, ptr @nrc.status.8, ptr @nrc.status.9,
  ptr @nrc.status.10, ptr @nrc.status.11 ]

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define weak i32 @nrc_abi_version() #0 {
  ret i32 4
}

define weak ptr @nrc_status_string(i32 %status) #0 {
  %known = icmp ult i32 %status, 12
  br i1 %known, label %look, label %unknown
look:
  %text.at = getelementptr [12 x ptr], ptr @nrc.statuses, i32 0, i32 %status
  %text = load ptr, ptr %text.at
  ret ptr %text
unknown:
  ret ptr @nrc.status.unknown
}

; -- what a model is ---------------------------------------------------------------------------------------------------

define weak ptr @nrc_model_name(ptr %model) #0 {
  %field = getelementptr %nrc.model, ptr %model, i32 0, i32 11
  %value = load ptr, ptr %field
  ret ptr %value
}

define weak ptr @nrc_model_metadata(ptr %model) #0 {
  %field = getelementptr %nrc.model, ptr %model, i32 0, i32 12
  %value = load ptr, ptr %field
  ret ptr %value
}

define weak i32 @nrc_input_count(ptr %model) #0 {
  %field = getelementptr %nrc.model, ptr %model, i32 0, i32 3
  %value = load i32, ptr %field
  ret i32 %value
}

define weak i32 @nrc_output_count(ptr %model) #0 {
  %field = getelementptr %nrc.model, ptr %model, i32 0, i32 4
  %value = load i32, ptr %field
  ret i32 %value
}

define weak i32 @nrc_dim_count(ptr %model) #0 {
  %field = getelementptr %nrc.model, ptr %model, i32 0, i32 5
  %value = load i32, ptr %field
  ret i32 %value
}

; The first feature that the model needs and this processor lacks, or null.
define weak ptr @nrc_model_missing_feature(ptr %model) #0 {
entry:
  %count.at = getelementptr %nrc.model, ptr %model, i32 0, i32 6
  %count = load i32, ptr %count.at
  %table.at = getelementptr %nrc.model, ptr %model, i32 0, i32 10
  %table = load ptr, ptr %table.at
  br label %next
next:
  %index = phi i32 [ 0, %entry ], [ %following, %advance ]
  %over = icmp uge i32 %index, %count
  br i1 %over, label %none, label %test
test:
  %feature = getelementptr %nrc.feature, ptr %table, i32 %index
  %present = call i1 @nrc.has_feature(ptr %feature)
  br i1 %present, label %advance, label %lacking
advance:
  %following = add i32 %index, 1
  br label %next
lacking:
  %name = load ptr, ptr %feature
  ret ptr %name
none:
  ret ptr null
}

; -- what its inputs, outputs and dims are -----------------------------------------------------------------------------

; Copies entry %index of a table into a structure of the caller: %bytes are written, the caller's size stays.
define hidden i32 @nrc.describe(ptr %entry, i64 %bytes, ptr %info) #0 {
  %absent = icmp eq ptr %info, null
  br i1 %absent, label %null, label %measure
measure:
  %size = load i64, ptr %info
  %short = icmp ult i64 %size, %bytes
  br i1 %short, label %version, label %copy
copy:
  %to = getelementptr i8, ptr %info, i64 8
  %from = getelementptr i8, ptr %entry, i64 8
  %rest = sub i64 %bytes, 8
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %rest, i1 false)
  ret i32 0
null:
  ret i32 1
version:
  ret i32 2
}

; Entry %index of the inputs (%kind 0) or outputs (%kind 1), or null.
define hidden ptr @nrc.tensor_at(ptr %model, i32 %kind, i32 %index) #0 {
  %count.at.0 = getelementptr %nrc.model, ptr %model, i32 0, i32 3
  %count.at = getelementptr i32, ptr %count.at.0, i32 %kind
  %count = load i32, ptr %count.at
  %exists = icmp ult i32 %index, %count
  br i1 %exists, label %look, label %none
look:
  %table.at.0 = getelementptr %nrc.model, ptr %model, i32 0, i32 7
  %table.at = getelementptr ptr, ptr %table.at.0, i32 %kind
  %table = load ptr, ptr %table.at
  %entry = getelementptr %nrc.tensor, ptr %table, i32 %index
  ret ptr %entry
none:
  ret ptr null
}

define hidden i32 @nrc.tensor_info(ptr %model, i32 %kind, i32 %index, ptr %info) #0 {
  %tensor = call ptr @nrc.tensor_at(ptr %model, i32 %kind, i32 %index)
  %none = icmp eq ptr %tensor, null
  br i1 %none, label %missing, label %found
found:
  %end = getelementptr %nrc.tensor, ptr null, i32 0, i32 5
  %bytes = ptrtoint ptr %end to i64
  %status = call i32 @nrc.describe(ptr %tensor, i64 %bytes, ptr %info)
  ret i32 %status
missing:
  ret i32 3
}

define weak i32 @nrc_get_input_info(ptr %model, i32 %index, ptr %info) #0 {
  %status = call i32 @nrc.tensor_info(ptr %model, i32 0, i32 %index, ptr %info)
  ret i32 %status
}

define weak i32 @nrc_get_output_info(ptr %model, i32 %index, ptr %info) #0 {
  %status = call i32 @nrc.tensor_info(ptr %model, i32 1, i32 %index, ptr %info)
  ret i32 %status
}

define weak i32 @nrc_get_dim_info(ptr %model, i32 %index, ptr %info) #0 {
  %count = call i32 @nrc_dim_count(ptr %model)
  %exists = icmp ult i32 %index, %count
  br i1 %exists, label %found, label %missing
found:
  %table.at = getelementptr %nrc.model, ptr %model, i32 0, i32 9
  %table = load ptr, ptr %table.at
  %dim = getelementptr %nrc.dim, ptr %table, i32 %index
  %end = getelementptr %nrc.dim, ptr null, i32 1
  %bytes = ptrtoint ptr %end to i64
  %status = call i32 @nrc.describe(ptr %dim, i64 %bytes, ptr %info)
  ret i32 %status
missing:
  ret i32 3
}

; Status 0, or 4 when a dim is outside of its bounds.
define hidden i32 @nrc.check_dims(ptr %model, ptr %dims) #0 {
entry:
  %count = call i32 @nrc_dim_count(ptr %model)
  %table.at = getelementptr %nrc.model, ptr %model, i32 0, i32 9
  %table = load ptr, ptr %table.at
  %any = icmp ne i32 %count, 0
  %absent = icmp eq ptr %dims, null
  %bad = and i1 %any, %absent
  br i1 %bad, label %null, label %next
next:
  %index = phi i32 [ 0, %entry ], [ %following, %test ]
  %over = icmp uge i32 %index, %count
  br i1 %over, label %good, label %test
test:
  %minimum.at = getelementptr %nrc.dim, ptr %table, i32 %index, i32 3
  %minimum = load i64, ptr %minimum.at
  %maximum.at = getelementptr %nrc.dim, ptr %table, i32 %index, i32 4
  %maximum = load i64, ptr %maximum.at
  %size.at = getelementptr i64, ptr %dims, i32 %index
  %size = load i64, ptr %size.at
  %enough = icmp sge i64 %size, %minimum
  %small = icmp sle i64 %size, %maximum
  %inside = and i1 %enough, %small
  %following = add i32 %index, 1
  br i1 %inside, label %next, label %outside
good:
  ret i32 0
null:
  ret i32 1
outside:
  ret i32 4
}

define hidden i32 @nrc.tensor_shape(ptr %model, i32 %kind, ptr %dims, i32 %index, ptr %shape) #0 {
  %tensor = call ptr @nrc.tensor_at(ptr %model, i32 %kind, i32 %index)
  %none = icmp eq ptr %tensor, null
  br i1 %none, label %missing, label %found
found:
  %absent = icmp eq ptr %shape, null
  br i1 %absent, label %null, label %check
check:
  %status = call i32 @nrc.check_dims(ptr %model, ptr %dims)
  %fine = icmp eq i32 %status, 0
  br i1 %fine, label %fill, label %refuse
fill:
  %function.at = getelementptr %nrc.tensor, ptr %tensor, i32 0, i32 5
  %function = load ptr, ptr %function.at
  call void %function(ptr %dims, ptr %shape)
  ret i32 0
missing:
  ret i32 3
null:
  ret i32 1
refuse:
  ret i32 %status
}

define weak i32 @nrc_input_shape(ptr %model, ptr %dims, i32 %index, ptr %shape) #0 {
  %status = call i32 @nrc.tensor_shape(ptr %model, i32 0, ptr %dims, i32 %index, ptr %shape)
  ret i32 %status
}

define weak i32 @nrc_output_shape(ptr %model, ptr %dims, i32 %index, ptr %shape) #0 {
  %status = call i32 @nrc.tensor_shape(ptr %model, i32 1, ptr %dims, i32 %index, ptr %shape)
  ret i32 %status
}
